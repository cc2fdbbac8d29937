"""Find a data set by name, or describe one of the user's own."""

from __future__ import annotations

import difflib
from dataclasses import fields, replace
from typing import Any

from mmhsi.errors import ConfigError

from .classic import CLASSIC
from .corpora import CORPORA
from .info import SceneInfo
from .satellite import SATELLITE
from .two_source import TWO_SOURCE

CATALOGUE: dict[str, SceneInfo] = {**CLASSIC, **TWO_SOURCE, **SATELLITE, **CORPORA}


def unknown_name(name: str) -> str:
    """What to say of a name that is not in the catalogue, with the nearest one.

    Args:
        name: What was asked for.
    """
    near = difflib.get_close_matches(name.lower().replace("-", "_"), CATALOGUE, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"{name!r} is not in the catalogue, expected one of {', '.join(CATALOGUE)}{meant}"


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
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in overrides.items() if value is not None
    }
    unknown = set(given) - {field.name for field in fields(SceneInfo)}
    if unknown:
        raise ConfigError(f"dataset: unknown key {sorted(unknown)[0]!r}")
    if name is None:
        if "image" not in given:
            raise ConfigError(
                f"dataset: give scene=… (one of {', '.join(CATALOGUE)}) or image=… for a scene of your own"
            )
        given.setdefault("title", given["image"])
        return SceneInfo(**given)
    if name not in CATALOGUE:
        raise ConfigError(f"dataset: scene={unknown_name(name)}")
    return replace(CATALOGUE[name], **given)
