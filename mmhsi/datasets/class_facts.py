"""What is known of a scene's classes, for :class:`mmhsi.spec.InputSpec`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        palette=None if info.palette is None else tuple(_three(info.palette[index]) for index in kept),
        rgb_bands=None if info.rgb_bands is None else _three(info.rgb_bands),
        image_options=info.image_options.recipe(),
    )


def _three(values: Sequence[int]) -> RGB:
    red, green, blue = (int(value) for value in values)
    return red, green, blue
