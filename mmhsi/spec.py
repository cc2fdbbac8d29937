"""What a model was trained on, as one typed object that travels with its weights."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from math import inf, isfinite
from typing import Any

from mmhsi.errors import ConfigError, one_line
from mmhsi.io.value_origins import ORIGINS

VERSION = 2
"""Of the plain data that :meth:`InputSpec.to_meta` writes; what carries no number is of the first."""

VERSION_KEY = "input_spec"
"""Where the version stands among that data."""

RENAMED = {
    "Standardise": "Standardize",
    "StandardiseScene": "StandardizeScene",
    "Solarise": "Solarize",
    "NormalisedProfiles": "NormalizedProfiles",
}
"""Names of transforms and groups of channels under which they were written before."""

RENAMED_ARGUMENTS = {"centres": "centers"}
"""Likewise of their arguments, and below of these arguments' values."""

RENAMED_VALUES = {"water_vapour": "water_vapor"}

SAME_BANDS = ("ScaleReflectance", "MinMaxScale", "Standardize", "StandardizeScene")
"""Transforms of the first version that leave every band where it is."""

_PLAIN = (str, int, float, bool, type(None))  # exactly: numpy's numbers are no plain data
_short = reprlib.Repr()
_short.maxother = _short.maxstring = 60


def _whole(value: object, low: float, high: float = inf) -> bool:
    return type(value) is int and low <= value <= high


def _wholes(value: object, low: float, high: float = inf) -> bool:
    return isinstance(value, tuple) and all(_whole(item, low, high) for item in value)


def _colour(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and _wholes(value, 0, 255)


def _nanometres(value: object) -> bool:
    return isinstance(value, tuple) and all(type(nm) in (int, float) and isfinite(nm) for nm in value)


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _plain(item) for key, item in value.items())
    return all(map(_plain, value)) if isinstance(value, list | tuple) else type(value) in _PLAIN


def _steps(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(step, dict) and isinstance(step.get("type"), str) and _plain(step) for step in value
    )


def _colours(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_colour, value))


def _sensors(value: object) -> bool:
    """Whether each is ``dict(name=…, num_bands=…, wavelengths=[…])`` of its own name."""
    keys = {"name", "num_bands", "wavelengths"}
    if not isinstance(value, tuple) or not all(isinstance(item, dict) and set(item) == keys for item in value):
        return False
    return len({item["name"] for item in value if isinstance(item["name"], str)}) == len(value) and all(
        _whole(item["num_bands"], 1)
        and isinstance(item["wavelengths"], list | tuple)
        and _nanometres(tuple(item["wavelengths"]))
        and len(item["wavelengths"]) == item["num_bands"]
        for item in value
    )


def _targets(value: object) -> bool:
    """Whether each is ``dict(name=…, unit=…, mean=…, std=…)`` of its own name, with a deviation above 0."""
    keys = {"name", "unit", "mean", "std"}
    if not isinstance(value, tuple) or not all(isinstance(item, dict) and set(item) == keys for item in value):
        return False
    return len({item["name"] for item in value if isinstance(item["name"], str)}) == len(value) and all(
        isinstance(item["unit"], str)
        and all(type(item[key]) in (int, float) and isfinite(item[key]) for key in ("mean", "std"))
        and item["std"] > 0
        for item in value
    )


def _optional(holds: Callable[[Any], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or holds(value)


_EXPECTED: dict[str, tuple[str, Callable[[object], bool]]] = {
    "classes": ("names", lambda value: isinstance(value, tuple) and all(isinstance(name, str) for name in value)),
    "bands": ("0-based bands", lambda value: _wholes(value, 0)),
    "file_bands": ("a number of bands", lambda value: _whole(value, 0)),
    "num_bands": ("a number of bands", lambda value: _whole(value, 0)),
    "label_ids": ("whole numbers", lambda value: _wholes(value, -(2**63), 2**63)),
    "ignore_ids": ("whole numbers", lambda value: _wholes(value, -(2**63), 2**63)),
    "ignore_others": ("True or False", lambda value: type(value) is bool),
    "palette": (
        "RGB colours, 0 to 255",
        _optional(_colours),
    ),
    "scene": ("a title", lambda value: isinstance(value, str)),
    "protocol": ("a line of text", lambda value: isinstance(value, str)),
    "wavelengths": ("band centres in nm", _optional(_nanometres)),
    "transforms": ("configs of plain values", _steps),
    "model_wavelengths": ("band centres in nm", _optional(_nanometres)),
    "window": ("(height, width) in pixels", _optional(lambda value: _wholes(value, 1) and len(value) == 2)),
    "second_bands": ("a number of bands", _optional(lambda value: _whole(value, 1))),
    "second_scale": ("a whole factor", _optional(lambda value: _whole(value, 1))),
    "image_options": ("options of a cube", lambda value: isinstance(value, dict) and _plain(value)),
    "second_in_transforms": ("True or False", lambda value: type(value) is bool),
    "sensors": ("names, numbers of bands and centres in nm", lambda value: _sensors(value)),
    "targets": ("names, units, means and deviations of values", lambda value: _targets(value)),
    "values": ("an origin of values", lambda value: value in ("", *ORIGINS)),
    "rgb_bands": ("three 0-based bands", _optional(lambda value: _wholes(value, 0) and len(value) == 3)),
}


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """What a model was trained on; datasets make it, checkpoints keep it, everything that uses a model reads it.

    Attributes:
        classes: Class names; empty without labels.
        bands: 0-based bands of the file that are read; empty where the files have no bands in common.
        file_bands: Bands of the file; 0 where the files differ.
        num_bands: Bands that the model sees of the first source, after the transforms; 0 where metadata of the first
            version does not say.
        label_ids: Id of each class in the label maps.
        ignore_ids: Ids that mean "no label".
        ignore_others: Whether ids that neither names mean "no label" too.
        palette: RGB colour of each class, 0 to 255, or None.
        scene: Title of the scene.
        protocol: One line about which pixels were for training.
        wavelengths: Centres in nm of ``bands``, as read; None where unknown.
        transforms: Configs of the transforms that change values, with their fitted state, in order: what a model is
            given has gone through them.
        model_wavelengths: Centres in nm of what the model sees, after the transforms; None where unknown.
        window: (height, width) in pixels of the windows or tiles, or None.
        second_bands: Bands of the second source, None without one.
        second_scale: Its pixels per pixel of the first along each axis, or None.
        image_options: How the files were opened where that is not the default, such as a product's ``mask``
            (:meth:`mmhsi.io.CubeOptions.given`); a scene is opened in the same way when a map of it is made.
        second_in_transforms: Whether ``transforms`` take the second source, so that the model itself sees none.
        rgb_bands: 0-based bands of the file for a false-colour picture where wavelengths are unknown, or None.
        sensors: Of a corpus of several sensors, in place of all that is said of bands above: each one's
            ``dict(name=…, num_bands=…, wavelengths=[…])``, in nm.
        values: How the values of the files had come about, before the transforms, one of
            :data:`mmhsi.io.value_origins.ORIGINS`; empty where unknown, or where the files differ.
        targets: Of a model that predicts values in place of classes: each one's ``dict(name=…, unit=…, mean=…,
            std=…)``, mean and standard deviation over the training samples, by which they are scaled.

    Raises:
        ConfigError: If a value cannot be meant so, or two contradict each other.

    Example:
        >>> InputSpec(classes=("soil", "water"), bands=(0, 1, 2), file_bands=3, num_bands=3).num_classes
        2
    """

    classes: tuple[str, ...]
    bands: tuple[int, ...]
    file_bands: int
    num_bands: int
    label_ids: tuple[int, ...] = ()
    ignore_ids: tuple[int, ...] = ()
    ignore_others: bool = False
    palette: tuple[tuple[int, int, int], ...] | None = None
    scene: str = ""
    protocol: str = ""
    wavelengths: tuple[float, ...] | None = None
    transforms: tuple[dict, ...] = ()
    model_wavelengths: tuple[float, ...] | None = None
    window: tuple[int, int] | None = None
    second_bands: int | None = None
    second_scale: int | None = None
    second_in_transforms: bool = False
    rgb_bands: tuple[int, int, int] | None = None
    image_options: dict[str, Any] = field(default_factory=dict)
    sensors: tuple[dict[str, Any], ...] = ()
    targets: tuple[dict[str, Any], ...] = ()
    values: str = ""

    def __post_init__(self) -> None:
        fault = _fault({item.name: getattr(self, item.name) for item in fields(self)})
        if fault:
            raise ConfigError(f"InputSpec: {fault}")

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def picture_bands(self) -> tuple[int, int, int] | None:
        """Where ``rgb_bands`` stand among the bands that the model sees; None where they do not."""
        if self.rgb_bands is None or self.num_bands != len(self.bands) or not set(self.rgb_bands) <= set(self.bands):
            return None
        red, green, blue = (self.bands.index(band) for band in self.rgb_bands)
        return red, green, blue

    def to_meta(self) -> dict[str, Any]:
        """The attributes as plain data: ``metainfo`` of a dataset, ``dataset_meta`` of a checkpoint.

        Returns:
            Lists, numbers, words, and under :data:`VERSION_KEY` the version; a copy.
        """
        values = asdict(self)
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        if self.palette is not None:
            plain["palette"] = [list(colour) for colour in self.palette]
        return {VERSION_KEY: VERSION, **plain}

    @classmethod
    def from_meta(cls, meta: object, source: str) -> InputSpec:
        """Read what :meth:`to_meta` wrote, or metadata of the first version.

        Args:
            meta: ``dataset_meta`` of a checkpoint.
            source: Whose it is, for the message, such as ``'checkpoint model.pth'``.

        Raises:
            ConfigError: If it is of a newer version, a value is missing, cannot be meant so, or contradicts another.
        """
        if not isinstance(meta, Mapping) or "classes" not in meta:
            raise ConfigError(f"{source}: says nothing of classes; was it written by mmhsi train?")
        values = dict(meta)
        version = values.pop(VERSION_KEY, 1)
        if not _whole(version, 1, VERSION):
            raise ConfigError(
                f"{source}: dataset_meta is of version {_short.repr(version)}, this mmhsi reads up to {VERSION}; "
                "a newer mmhsi is needed"
            )
        if isinstance(values.get("transforms"), list | tuple):
            values["transforms"] = [_renamed(step) for step in values["transforms"]]
        if version == 1:
            values = _upgraded(values)
        values = {name: _tuples(name, value) for name, value in values.items()}
        fault = _fault(values)
        if fault:
            raise ConfigError(f"{source}: dataset_meta: {fault}")
        return cls(**values)

    @classmethod
    def of_metainfo(cls, meta: Mapping | None) -> InputSpec | None:
        """Spec that a dataset's ``metainfo`` carries; None of a dataset that is not of this package.

        Args:
            meta: ``metainfo`` of any dataset of the OpenMMLab packages, as their loops hand it on.
        """
        return cls.from_meta(meta, "metainfo") if meta and VERSION_KEY in meta else None


def _tuples(name: str, value: object) -> object:
    """Lists of plain data as the attribute's tuples; texts as they can be printed."""
    if name in ("scene", "protocol") and isinstance(value, str):
        return one_line(value)
    if name == "classes" and isinstance(value, list | tuple):
        return tuple(one_line(text) if isinstance(text, str) else text for text in value)
    if isinstance(value, list | tuple):
        inner = (tuple(colour) if isinstance(colour, list) else colour for colour in value)
        return copy.deepcopy(tuple(inner)) if name == "palette" else copy.deepcopy(tuple(value))
    return value


def _fault(values: dict[str, Any]) -> str | None:
    """What is wrong with the attributes, one line; None if nothing is."""
    for name in values:
        if name not in _EXPECTED:
            return f"{_short.repr(name)} is no field of it"
    for name in ("classes", "bands", "file_bands", "num_bands"):
        if name not in values:
            return f"says nothing of {name}"
    for name, value in values.items():
        expected, holds = _EXPECTED[name]
        if not holds(value):
            return f"{name} = {_short.repr(value)}, expected {expected}"
    classes, bands = values["classes"], values["bands"]
    if bands and max(bands) >= values["file_bands"]:
        return f"bands names band {max(bands)} of file_bands = {values['file_bands']}"
    for name, count, of in (
        ("label_ids", len(classes), "classes"),
        ("palette", len(classes), "classes"),
        ("wavelengths", len(bands), "bands"),
        ("model_wavelengths", values["num_bands"], "bands that the model sees"),
    ):
        given = values.get(name)
        if given is not None and len(given) != count and (given or name != "label_ids"):
            return f"{name} has {len(given)} values for {count} {of}"
    return None


def _upgraded(old: dict[str, Any]) -> dict[str, Any]:
    """Metadata of the first version under the names and in the meaning of the second."""
    transforms: Any = old.get("transforms") or ()
    in_place = all(isinstance(step, dict) and step.get("type") in SAME_BANDS for step in transforms)
    # Of tiles ``wavelengths`` were those read, of scenes those after the transforms; at first those read were not kept.
    read = old.get("input_wavelengths", None if transforms else old.get("wavelengths"))
    seen = old.get("wavelengths") if in_place or "tile_size" not in old else None
    bands = old.get("bands", ())
    counted = seen if isinstance(seen, list | tuple) else bands if in_place else ()
    window = old.get("window") or old.get("tile_size")
    classes = old["classes"]
    return dict(
        classes=[str(name) for name in classes] if isinstance(classes, list | tuple) else classes,
        bands=bands,
        file_bands=old.get("file_bands", 0),
        num_bands=old.get("num_bands", len(counted) if isinstance(counted, list | tuple) else 0),
        label_ids=old.get("label_ids") or (),
        ignore_ids=old.get("ignore_ids") or (),
        palette=old.get("palette"),
        scene=old.get("scene", ""),
        protocol=old.get("protocol", ""),
        wavelengths=read,
        transforms=transforms,
        model_wavelengths=seen,
        window=[window, window] if isinstance(window, int) else window,
        second_bands=old.get("second_bands"),
        rgb_bands=old.get("rgb_bands"),
    )


def _renamed(step: object) -> object:
    """A transform's config under present names, its groups of channels too."""
    step = _present(step)
    if isinstance(step, dict) and isinstance(step.get("groups"), list | tuple):
        step["groups"] = [_present(group) for group in step["groups"]]
    return step


def _present(part: object) -> object:
    """A config, which is not changed itself, under its present name."""
    if not isinstance(part, dict):
        return part
    known = {**RENAMED, **RENAMED_VALUES}
    return {
        RENAMED_ARGUMENTS.get(name, name): known.get(value, value) if isinstance(value, str) else value
        for name, value in part.items()
    }
