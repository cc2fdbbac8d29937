"""Public facts of the scenes: the one place that loaders, configs, docs and tests read."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from mmhsi.errors import ConfigError

from .simulation import DEMO_CLASSES, DEMO_PALETTE

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class SceneInfo:
    """What is public about a scene.

    Attributes:
        title: Name as the literature writes it.
        image: Cube's file, relative to the data root.
        image_key: Variable of a ``.mat`` file, None elsewhere.
        labels: Label map's file, None if there is none.
        labels_key: Its variable.
        classes: Class names.
        label_ids: Id of each class in the label map.
        ignore_ids: Ids that mean "no label".
        palette: RGB colour of each class, 0 to 255; None for the default palette.
        shape: (H, W, C) as published, None if it may vary.
        wavelengths: Band centres in nm where the file does not carry them.
        rgb_bands: 0-based bands for a false-colour picture where wavelengths are unknown.
        citation: Where it comes from.
    """

    title: str
    image: str
    image_key: str | None = None
    labels: str | None = None
    labels_key: str | None = None
    classes: tuple[str, ...] = ()
    label_ids: tuple[int, ...] = ()
    ignore_ids: tuple[int, ...] = (0,)
    palette: tuple[RGB, ...] | None = None
    shape: tuple[int, int, int] | None = None
    wavelengths: tuple[float, ...] | None = None
    rgb_bands: RGB | None = None
    citation: str = ""


CATALOGUE: dict[str, SceneInfo] = {
    "salinas_a": SceneInfo(
        title="Salinas-A",
        image="salinas_a/SalinasA_corrected.mat",
        image_key="salinasA_corrected",
        labels="salinas_a/SalinasA_gt.mat",
        labels_key="salinasA_gt",
        classes=(
            "Broccoli green weeds 1",
            "Corn senesced green weeds",
            "Lettuce romaine 4wk",
            "Lettuce romaine 5wk",
            "Lettuce romaine 6wk",
            "Lettuce romaine 7wk",
        ),
        label_ids=(1, 10, 11, 12, 13, 14),
        shape=(83, 86, 204),
        rgb_bands=(28, 18, 9),
        citation="AVIRIS, Salinas Valley, California, 1998; published by the Computational Intelligence Group of the "
        "University of the Basque Country",
    ),
    "demo": SceneInfo(
        title="simulated demo scene",
        image="demo/demo_cube.tif",
        labels="demo/demo_labels.tif",
        classes=DEMO_CLASSES,
        label_ids=tuple(range(1, len(DEMO_CLASSES) + 1)),
        palette=DEMO_PALETTE,
        citation="Simulated by mmhsi.datasets.simulation",
    ),
}


def scene_info(name: str | None, overrides: dict[str, Any]) -> SceneInfo:
    """Look a scene up and replace what a config says otherwise, or describe a new one from the config alone.

    Args:
        name: Entry of :data:`CATALOGUE`, or None for a scene of the user's own.
        overrides: Fields of :class:`SceneInfo`; None values are left out.

    Returns:
        The merged description.

    Raises:
        ConfigError: If the name or a field is unknown, or a scene of one's own names no ``image``.
    """
    given = {
        key: tuple(value) if isinstance(value, list) else value for key, value in overrides.items() if value is not None
    }
    unknown = set(given) - {field.name for field in fields(SceneInfo)}
    if unknown:
        raise ConfigError(f"dataset: unknown key {sorted(unknown)[0]!r}")
    if name is None:
        if "image" not in given:
            raise ConfigError(f"dataset: give scene=… (one of {', '.join(CATALOGUE)}) or image=… for a scene of your own")
        given.setdefault("title", given["image"])
        return SceneInfo(**given)
    if name not in CATALOGUE:
        raise ConfigError(f"dataset: scene={name!r} is not in the catalogue, expected one of {', '.join(CATALOGUE)}")
    return replace(CATALOGUE[name], **given)
