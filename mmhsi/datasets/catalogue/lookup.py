"""Find a data set by name, or describe one of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError
from mmhsi.io import CubeOptions

from .classic import CLASSIC
from .corpora import CORPORA
from .info import SceneInfo
from .satellite import SATELLITE
from .spectral_earth import ENMAP_TILES
from .toulouse import TOULOUSE
from .two_source import TWO_SOURCE
from .whu_hi import WHU_HI

CATALOGUE: dict[str, SceneInfo] = {**CLASSIC, **WHU_HI, **TWO_SOURCE, **SATELLITE, **TOULOUSE, **ENMAP_TILES, **CORPORA}


def unknown_name(name: str) -> str:
    """What to say of a name that is not in the catalogue, with the nearest one.

    Args:
        name: What was asked for.
    """
    return f"{name!r} is not in the catalogue{nearest(name.replace('-', '_'), CATALOGUE)}"


def scene_info(scene: str | SceneInfo | Mapping[str, object] | None) -> SceneInfo:
    """What is known of a scene that a config or a person names or describes.

    Args:
        scene: Entry of :data:`CATALOGUE`; a description; or its fields, those of :class:`SceneInfo`: beside ``base``,
            an entry of the catalogue, they replace what it says; without, they describe a scene of one's own and
            ``title`` is by default ``image``. Fields that are None are left as they are.

    Returns:
        The description.

    Raises:
        ConfigError: If the name or a field is unknown, or a scene of one's own names no ``image``.
    """
    check_description(scene)
    if isinstance(scene, SceneInfo):
        return scene
    if isinstance(scene, str):
        return CATALOGUE[scene]
    assert isinstance(scene, Mapping)
    given: dict[str, Any] = {key: _plain(value) for key, value in scene.items() if value is not None}
    base = given.pop("base", None)
    if "image_options" in given:
        given["image_options"] = CubeOptions.of(given["image_options"])
    if base is not None:
        return replace(CATALOGUE[base], **given)
    if "image" not in given:
        raise ConfigError(
            f"dataset: give scene=dict(image=…) for a scene of your own, or base=… (one of {', '.join(CATALOGUE)})"
        )
    return SceneInfo(**{"title": str(given["image"]), **given})


def check_description(scene: object) -> None:
    """Check the name of a scene, or the keys of a description, which need not be complete.

    Args:
        scene: As for :func:`scene_info`.

    Raises:
        ConfigError: If the name or a key is unknown, naming the nearest one.
    """
    if isinstance(scene, Mapping):
        known = ["base", *(field.name for field in fields(SceneInfo))]
        for key in scene:
            if key not in known and scene[key] is not None:
                raise ConfigError(f"dataset: scene has no key {key!r}{nearest(str(key), known)}")
        scene = "demo" if scene.get("base") is None else scene["base"]
    if isinstance(scene, str):
        if scene not in CATALOGUE:
            raise ConfigError(f"dataset: scene={unknown_name(scene)}")
    elif not isinstance(scene, SceneInfo):
        raise ConfigError(
            f"dataset: scene={scene!r} given, expected one of {', '.join(CATALOGUE)}, a SceneInfo, or "
            "dict(image=…) for a scene of your own"
        )


def _plain(value: object) -> object:
    """A field's value as the frozen description keeps it: sequences as tuples."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
