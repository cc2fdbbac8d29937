"""What is known of a scene's classes, for :class:`mmhsi.spec.InputSpec`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from mmhsi.arguments import is_whole
from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from .catalogue import RGB, SceneInfo


class ClassFacts(TypedDict):
    """Fields of :class:`mmhsi.spec.InputSpec`."""

    scene: str
    classes: tuple[str, ...]
    label_ids: tuple[int, ...]
    ignore_ids: tuple[int, ...]
    ignore_others: bool
    palette: tuple[RGB, ...] | None
    rgb_bands: RGB | None
    image_options: dict[str, object]


def class_facts(info: SceneInfo, kept: Sequence[int] | None = None) -> ClassFacts:
    """Facts of the classes that are used.

    Args:
        info: What is known of the scene.
        kept: Indices of the classes in use, in order. Default: all. The ids of the others mean "no label".
    """
    kept = range(len(info.classes)) if kept is None else kept
    dropped = [info.label_ids[index] for index in range(len(info.classes)) if index not in kept]
    return ClassFacts(
        scene=info.title,
        classes=tuple(str(info.classes[index]) for index in kept),
        label_ids=tuple(int(info.label_ids[index]) for index in kept),
        ignore_ids=tuple(int(label) for label in (*info.ignore_ids, *dropped)),
        ignore_others=info.ignore_others,
        palette=_palette(info, kept),
        rgb_bands=None if info.rgb_bands is None else _three(info.rgb_bands, f"{info.title}: rgb_bands", "bands"),
        image_options=info.image_options.recipe(),
    )


def _palette(info: SceneInfo, kept: Sequence[int]) -> tuple[RGB, ...] | None:
    """Colours of the classes in use, by their order or by their names."""
    given, names = info.palette, [str(name) for name in info.classes]
    if given is None:
        return None
    if isinstance(given, Mapping):
        missing = next((name for name in names if name not in given), None)
        if missing is not None:
            raise ConfigError(f"{info.title}: palette has no colour of {missing!r}; expected one of each class")
        given = [given[name] for name in names]
    if isinstance(given, str) or len(given) != len(names):
        raise ConfigError(f"{info.title}: palette={given!r:.80}; expected a colour for each of {len(names)} classes")
    return tuple(_colour(given[index], f"{info.title}: palette") for index in kept)


def _colour(value: Sequence[int] | str, what: str) -> RGB:
    """Red, green and blue of three numbers, or of what a GIS writes, ``"#1f78b4"``."""
    if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value):
        value = tuple(bytes.fromhex(value[1:]))
    colour = _three(value, what, "numbers from 0 to 255 for red, green and blue, or '#rrggbb'")
    if not 0 <= min(colour) <= max(colour) <= 255:
        raise ConfigError(f"{what}: {value!r:.80} given, expected numbers from 0 to 255")
    return colour


def _three(values: Sequence[int] | str, what: str, expected: str) -> RGB:
    if isinstance(values, str) or len(values) != 3 or not all(is_whole(value) for value in values):
        raise ConfigError(f"{what}: {values!r:.80} given, expected three {expected}")
    return int(values[0]), int(values[1]), int(values[2])
