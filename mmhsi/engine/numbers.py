"""Numbers of a model that its data decide: bands, classes, image size."""

from __future__ import annotations

import warnings
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from mmengine.registry import DefaultScope

from mmhsi.arguments import takes_argument
from mmhsi.config_files import read_window, training_dataset
from mmhsi.datasets.catalogue import nominal_centres
from mmhsi.errors import ConfigError, DataWarning
from mmhsi.registry import DATASETS, MODELS
from mmhsi.spec import InputSpec

from .config_check import check_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmengine.config import Config
    from torch.utils.data import Dataset

JOINED = {"concat": 1, "texture": 2}
"""Bands that a model sees behind the cube's for every band of the second source, by ``data_preprocessor.second``; of
``'pixels'`` as many as it has pixels within each of the cube's."""


class Number(NamedTuple):
    """A number that the data decide.

    Attributes:
        part: Config that takes it, filled in place.
        key: Where the part stands in the config.
        name: The argument.
        value: What the data say.
        reason: The same in words, for the message.
    """

    part: dict
    key: str
    name: str
    value: int
    reason: str


def resolve_numbers(
    model: dict,
    spec: InputSpec,
    source: str,
    config: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> None:
    """Fill the numbers that a model's config leaves out, and compare those that it states.

    Bands go to ``data_preprocessor.num_bands`` and ``second_bands``, to ``backbone.in_channels`` (those of both
    sources, where they are joined) and ``backbone.second_bands``; classes to ``num_classes`` of the head, the decode
    head, every auxiliary head, or the model itself (Mask2Former); targets and what they are scaled by to the head or
    model of values; the image size to ``backbone.img_size``. A part gets
    what its class takes. Bands and classes that a config states are assertions. An image size that it states stays:
    position tables are interpolated, and after a pretraining they have its size.
    A backbone with an embedding of any bands gets the bands' ``wavelengths`` where the data know them and the config
    says nothing, and nominal ones where it names a scene of :data:`mmhsi.datasets.catalogue.NOMINAL`; a preprocessor of
    several sensors gets their ``sensors``.

    Args:
        model: Config of the model, changed in place.
        spec: What the data are, or what the checkpoint was trained on.
        source: Whose ``spec`` it is, for messages, such as ``'train_dataloader.dataset'``.
        config: The config's file, for messages.
        image_size: (height, width) in pixels of what the model is given. Default: that of ``spec``.

    Raises:
        ConfigError: If a number that the config states is another than that of the data, or these are of several
            sensors and the backbone is not.
    """
    _sensors(model, spec)
    for number in [*_bands(model, spec), *_classes(model, spec), *_targets(model, spec)]:
        stated = number.part.get(number.name)
        if stated is None:
            number.part[number.name] = number.value
        elif stated != number.value:
            where = f" in {config}" if config else ""
            raise ConfigError(
                f"{number.key}.{number.name}={stated}{where}, but {source} has {number.reason}; leave {number.name} "
                "out: it is taken from the data"
            )
    backbone, size = model.get("backbone"), image_size or spec.window
    if size is not None and _takes(backbone, "img_size") and backbone.get("img_size") is None:
        backbone["img_size"] = size[0] if size[0] == size[1] else list(size)


def _sensors(model: dict, spec: InputSpec) -> None:
    """Centres of the bands for a backbone of any bands, bands of each sensor for the preprocessor of a mixed corpus."""
    preprocessor, backbone = model.get("data_preprocessor"), model.get("backbone")
    if spec.sensors and _keeps_to_bands(backbone):
        raise ConfigError(
            f"model.backbone: {backbone['type']} is of certain bands, the data are of several sensors "
            "(MixedDataset); take one whose embedding is of any bands, such as "
            "dict(type='HSIViT', embedding='wavelength')"
        )
    if spec.sensors and _takes(preprocessor, "sensors"):
        preprocessor["sensors"] = {sensor["name"]: sensor["num_bands"] for sensor in spec.sensors}
    if _takes(backbone, "embedding") and backbone.get("embedding", "fixed") != "fixed" and not spec.sensors:
        if backbone.get("wavelengths") is None and spec.model_wavelengths is not None:
            backbone["wavelengths"] = list(spec.model_wavelengths)
        elif isinstance(backbone.get("wavelengths"), str):
            backbone["wavelengths"] = list(nominal_centres(backbone["wavelengths"]))


def _keeps_to_bands(backbone: object) -> TypeGuard[dict]:
    """Whether what a config describes is a backbone of certain bands, as far as its class tells."""
    if _takes(backbone, "embedding"):
        return backbone.get("embedding", "fixed") == "fixed"
    return getattr(_class_of(backbone), "any_bands", None) is False


def _takes(part: object, argument: str) -> TypeGuard[dict]:
    """Whether what a config describes has an argument of this name."""
    cls = _class_of(part)
    return cls is not None and takes_argument(cls, argument)


def _class_of(part: object) -> type | None:
    """What a config describes."""
    if not isinstance(part, dict) or "type" not in part:
        return None
    kind = part["type"]
    with MODELS.switch_scope_and_registry(part.get("_scope_")) as registry:
        return registry.get(kind) if isinstance(kind, str) else kind


def _bands(model: dict, spec: InputSpec) -> Iterator[Number]:
    """Bands of the preprocessor and of the backbone."""
    if not spec.num_bands:  # metadata of the first version do not always say
        return
    preprocessor, backbone = model.get("data_preprocessor"), model.get("backbone")
    cube, joined = f"{spec.num_bands} bands", 0
    if _takes(preprocessor, "num_bands"):
        yield Number(preprocessor, "model.data_preprocessor", "num_bands", spec.num_bands, cube)
    if _takes(preprocessor, "second_bands"):
        second = 0 if spec.second_in_transforms else spec.second_bands or 0
        reason = f"{second} bands of a second source" if second else "no second source (use_second=True)"
        yield Number(preprocessor, "model.data_preprocessor", "second_bands", second, reason)
        how, scale = preprocessor.get("second", "concat"), spec.second_scale or 1
        joined = second * (scale**2 if how == "pixels" else JOINED.get(how, 0))
        if _takes(backbone, "second_scale"):
            yield Number(backbone, "model.backbone", "second_scale", scale, f"a {scale} x finer second source")
        if second and (how == "pixels") != _takes(backbone, "second_scale"):
            raise ConfigError(
                f"model.data_preprocessor.second={how!r} does not fit model.backbone: 'pixels' is for TwoSources, and "
                "TwoSources for 'pixels'"
            )
    if _takes(backbone, "in_channels"):
        reason = f"{cube} and {joined} made of a second source" if joined else cube
        yield Number(backbone, "model.backbone", "in_channels", spec.num_bands + joined, reason)
    if _takes(backbone, "second_bands"):
        yield Number(backbone, "model.backbone", "second_bands", joined, f"{joined} bands made of a second source")


def _classes(model: dict, spec: InputSpec) -> Iterator[Number]:
    """Classes of every head."""
    if not spec.num_classes:
        return
    parts = [("model", model)]
    for name in ("head", "decode_head", "auxiliary_head"):
        heads = model.get(name)
        if isinstance(heads, dict):
            parts.append((f"model.{name}", heads))
        elif isinstance(heads, list | tuple):
            parts += [(f"model.{name}[{index}]", head) for index, head in enumerate(heads)]
    names = ", ".join(spec.classes[:4]) + (", …" if spec.num_classes > 4 else "")
    for key, part in parts:
        if _takes(part, "num_classes"):
            yield Number(part, key, "num_classes", spec.num_classes, f"{spec.num_classes} classes ({names})")


def _targets(model: dict, spec: InputSpec) -> Iterator[Number]:
    """Targets of a model of values, or of its head, which also gets what they are scaled by."""
    names = ", ".join(target["name"] for target in spec.targets)
    for key, part in (("model", model), ("model.head", model.get("head"))):
        if spec.targets and _takes(part, "num_targets"):
            for name in ("mean", "std"):
                if _takes(part, f"target_{name}") and part.get(f"target_{name}") is None:
                    part[f"target_{name}"] = [float(target[name]) for target in spec.targets]
            yield Number(part, key, "num_targets", len(spec.targets), f"{len(spec.targets)} targets ({names})")


def resolve_from_data(cfg: Config) -> Dataset:
    """Resolve the numbers of a config's model with its training data.

    Args:
        cfg: The whole config; ``cfg.model`` is changed in place.

    Returns:
        The training data, built.

    Raises:
        ConfigError: If the config has no training data, or states other numbers.
        DataError: If files are missing or damaged.
    """
    with DefaultScope.overwrite_default_scope(cfg.get("default_scope") or "mmhsi"):
        dataset: Dataset = DATASETS.build(training_dataset(cfg))
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    spec = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
    if spec is not None:
        resolve_from_spec(cfg, spec, "train_dataloader.dataset")
    return dataset


def resolve_from_spec(cfg: Config, spec: InputSpec, source: str) -> None:
    """Resolve the numbers of a config's model; no data are needed.

    Args:
        cfg: With ``model``, which is changed in place.
        spec: What the model is trained on.
        source: Whose that is, for messages, such as ``'checkpoint model.pth'``.

    Raises:
        ConfigError: If the config states other numbers.
    """
    check_model(cfg)
    with DefaultScope.overwrite_default_scope(cfg.get("default_scope") or "mmhsi"):
        resolve_numbers(cfg.model, spec, source, cfg.filename, read_window(cfg))


def check_classes(dataset: Dataset, spec: InputSpec, source: str) -> None:
    """Check that data have the classes that a model was trained on, in their order, and the same targets.

    Args:
        dataset: Data to test the model on.
        spec: What it was trained on.
        source: Whose that is, for the message.

    Raises:
        ConfigError: If they have not, or targets are in other units.
    """
    found = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
    names = [[_in_units(target) for target in each.targets] for each in (found, spec) if each is not None]
    if len(names) == 2 and names[0] != names[1]:
        raise ConfigError(
            f"{source} predicts {', '.join(names[1]) or 'no values'}, the data have {', '.join(names[0]) or 'none'}; "
            "give the config, or --dataset, of the training"
        )
    if found is not None and found.classes and spec.classes and found.num_classes != spec.num_classes:
        raise ConfigError(
            f"{source} was trained on {spec.num_classes} classes of {spec.scene or 'its data'}, the data have "
            f"{found.num_classes} of {found.scene or 'theirs'}; give the config, or --dataset, of the training"
        )
    if found is not None and found.classes and spec.classes:
        _check_order(spec.classes, found.classes, source)


def _in_units(target: dict) -> str:
    """A target's name and its unit."""
    return target["name"] if target["unit"] == "1" else f"{target['name']} ({target['unit']})"


def _check_order(trained: Sequence[str], classes: Sequence[str], source: str) -> None:
    """Refuse the same names in another order, by which classes would be swapped; warn of other names."""
    other = [(one, two) for one, two in zip(trained, classes, strict=True) if one != two]
    before, now = ([name.strip().casefold() for name in names] for names in (trained, classes))
    swapped = [a != b and (a in now or b in before) for a, b in zip(before, now, strict=True)]
    for one, two in compress(zip(trained, classes, strict=True), swapped):
        raise ConfigError(
            f"{source} was trained on {', '.join(trained)[:200]}, of which {one!r} stands where the data have {two!r}; "
            "give the classes in this order, with their label_ids"
        )
    if other:
        said = ", ".join(f"{one!r} for {two!r}" for one, two in other[:4])
        warnings.warn(f"{source} has other class names than the data: {said}", DataWarning, stacklevel=3)
