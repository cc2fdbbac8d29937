"""What a transform's result for a pixel depends on, and which steps of a pipeline a map has to be made behind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from typing import NamedTuple, TypeAlias

import numpy as np
from mmcv.transforms import Compose as MMCVCompose
from mmcv.transforms import RandomApply, RandomChoice
from mmengine.dataset import Compose

from mmhsi.carried_config import check_carried_config
from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.registry import CHANNELS, TRANSFORMS, registered

from .common import SCOPES, CubeTransform, Scope
from .multi_view import MultiView

Transform: TypeAlias = Callable[[dict], dict | None]


class Declared(NamedTuple):
    """What a transform says about itself; see :class:`mmhsi.datasets.transforms.common.CubeTransform`."""

    scope: Scope
    changes_values: bool = True


OTHERS: dict[str, Declared] = {
    "mmcv.CenterCrop": Declared("image", changes_values=False),
    "mmcv.Compose": Declared("image"),
    "mmcv.ImageToTensor": Declared("image", changes_values=False),
    "mmcv.Normalize": Declared("pixel"),
    "mmcv.Pad": Declared("image", changes_values=False),
    "mmcv.RandomApply": Declared("random"),
    "mmcv.RandomChoice": Declared("random"),
    "mmcv.RandomFlip": Declared("random"),
    "mmcv.RandomResize": Declared("random"),
    "mmcv.Resize": Declared("image"),
    "mmengine.Compose": Declared("image"),
    "mmpretrain.PackInputs": Declared("image", changes_values=False),
    "mmpretrain.RandomCrop": Declared("random"),
    "mmpretrain.RandomResizedCrop": Declared("random"),
    "mmpretrain.SimMIMMaskGenerator": Declared("random"),
    "mmseg.GenerateEdge": Declared("image", changes_values=False),
    "mmseg.PackSegInputs": Declared("image", changes_values=False),
    "mmseg.RandomCrop": Declared("random"),
    "mmseg.RandomFlip": Declared("random"),
    "mmseg.RandomRotFlip": Declared("random"),
}
"""Transforms of the sister packages that are usable as they are, by package and class."""

CONTAINERS = (Compose, MMCVCompose, MultiView, RandomApply, RandomChoice)
"""Transforms that run others; what counts is what is inside."""


class ValueStep(NamedTuple):
    """A step without which a model would be given other values than in training.

    Attributes:
        config: By which it can be built again, plain data with its fitted state.
        transform: The transform.
        scope: ``'pixel'`` or ``'neighborhood'``, which a map repeats, or ``'image'``, for which it is refused.
    """

    config: dict
    transform: Transform
    scope: Scope


def package_name(kind: type) -> str:
    """A class under its package, such as ``'mmseg.RandomCrop'``."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def declared_scope(owner: str, transform: object) -> Declared:
    """What a transform, or its class, declares.

    Args:
        owner: Whose transform it is, for the message.
        transform: The transform or its class.

    Raises:
        ConfigError: If it declares nothing.
    """
    kind = transform if inspect.isclass(transform) else type(transform)
    name = package_name(kind)
    for scope in SCOPES:
        if getattr(transform, "scope", None) == scope:
            return Declared(scope, getattr(transform, "changes_values", True))
    if name in OTHERS:
        return OTHERS[name]
    shown = getattr(transform, "__qualname__", name) if kind.__module__ == "builtins" else name
    raise ConfigError(
        f"{owner}: transform {shown} declares no scope; set scope = 'pixel' on its class or a subclass if a pixel's "
        "result depends on that pixel alone, 'neighborhood' if on those within its margin too, 'image' if on all, "
        "'random' if it draws numbers "
        "(docs/extend/transform.md)"
    )


def value_steps(owner: str, pipeline: Sequence[object], built: Sequence[Transform]) -> list[ValueStep]:
    """The steps of a pipeline that change values in training and are no augmentation, in order.

    Args:
        owner: The dataset, for messages.
        pipeline: Configs of transforms, or transforms.
        built: The transforms.

    Raises:
        ConfigError: If a transform declares no scope, or one that changes values cannot be written down.
    """
    return [found for config, step in zip(pipeline, built, strict=True) for found in _values_of(owner, config, step)]


def _values_of(owner: str, config: object, step: Transform) -> list[ValueStep]:
    """Value steps of one step, those of a container in its stead."""
    declared = declared_scope(owner, step)
    if not isinstance(step, CONTAINERS):
        if declared.scope == "random" or not declared.changes_values:
            return []
        return [ValueStep(written(owner, config, step), step, declared.scope)]
    inside = [value_steps(owner, configs, steps) for configs, steps in _pipelines(config, step)]
    if isinstance(step, RandomApply) and step.prob < 1:
        return []
    configs = [[found.config for found in steps] for steps in inside]
    if all(other == configs[0] for other in configs):  # whatever is drawn, these are run
        return inside[0] if inside else []
    if declared.scope == "random":
        return []
    return [ValueStep(written(owner, config, step), step, "image")]  # a model that sees each view in its own values


def _pipelines(config: object, step: object) -> list[tuple[Sequence[object], Sequence[Transform]]]:
    """Configs and transforms of each pipeline in a container."""
    single = not isinstance(step, MultiView | RandomChoice)
    parts = [step.transforms] if single else step.transforms  # type: ignore[attr-defined]
    built = [part.transforms if isinstance(part, Compose | MMCVCompose) else part for part in parts]
    if not isinstance(config, dict):
        return [(part, part) for part in built]
    given = [config["transforms"]] if single else config["transforms"]
    return [
        (part if isinstance(part, list | tuple) else [part], steps) for part, steps in zip(given, built, strict=True)
    ]


def written(owner: str, config: object, step: Transform) -> dict:
    """The config by which a transform can be built again elsewhere: registered name and arguments as plain data.

    Args:
        owner: Whose transform it is, for messages.
        config: What it was built from; a transform itself is written down by its attributes.
        step: The transform.

    Raises:
        ConfigError: If it is not registered, or an argument is not what may be taken from a checkpoint.
    """
    kind = type(step)
    given = dict(config) if isinstance(config, dict) else {}
    name = given.pop("type", None)
    own = [key for key, value in TRANSFORMS.module_dict.items() if value is kind]
    if not own and package_name(kind) not in OTHERS:
        raise ConfigError(
            f"{owner}: transform {kind.__name__} changes values and is not in mmhsi.registry.TRANSFORMS, so that a "
            "checkpoint cannot name it; put @TRANSFORMS.register_module() above its class"
        )
    if not isinstance(name, str) or registered(TRANSFORMS, name) is not kind:
        name = own[0] if own else kind.__name__
    if isinstance(step, CubeTransform):
        if not isinstance(config, dict):
            given = {argument: getattr(step, argument) for argument in inspect.signature(kind).parameters}
        given = step.fitted(given)
    elif not isinstance(config, dict):
        raise ConfigError(
            f"{owner}: transform {kind.__name__} changes values; give it as dict(type={name!r}, …), which a checkpoint "
            "can keep"
        )
    made = {"type": name, **{key: _plain(owner, name, key, value) for key, value in given.items()}}
    try:
        check_carried_config(made, f"{owner}: transform {name}", (TRANSFORMS, CHANNELS), files="file")
    except FileFormatError as error:
        raise ConfigError(f"{error}; a map could not be made with it") from error
    return made


def _plain(owner: str, transform: str, argument: str, value: object) -> object:
    """An argument as plain data."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, dict):
        return {str(key): _plain(owner, transform, argument, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_plain(owner, transform, argument, item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise ConfigError(
        f"{owner}: {argument} of {transform} is a {type(value).__name__}, which a checkpoint cannot keep; expected "
        "numbers, words, lists or dicts"
    )
