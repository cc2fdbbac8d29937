"""A scene behind its transforms, made once for all data sets of a process that hold it at the same time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from .replay import Replay
    from .scene import Scene


@dataclass(frozen=True, eq=False)
class TransformedScene:
    """A scene and the transforms behind which it stands, fitted to it where they have to be."""

    scene: Scene
    replay: Replay


_HELD: WeakValueDictionary[str, TransformedScene] = WeakValueDictionary()


def transformed_scene(scene: Scene, replay: Replay) -> TransformedScene:
    """Put a scene behind transforms.

    Channels of surroundings take seconds and are many: training and test data of one scene share them, as long as
    either is there.

    Args:
        scene: As it was read.
        replay: The transforms; fitted here where they have to be.
    """
    if not replay.steps:
        return TransformedScene(scene, replay)
    held = _HELD.get(_name(scene, replay))
    if held is None:
        parts, unfitted = (scene.valid, scene.second, scene.second_scale), _name(scene, replay)
        replay.fit(scene.cube, *parts)
        made = replace(scene, cube=replay(scene.cube, *parts))
        held = TransformedScene(replace(made, second=None) if replay.takes_second else made, replay)
        _HELD[unfitted] = _HELD[_name(scene, replay)] = held
    return held


def _name(scene: Scene, replay: Replay) -> str:
    """The scene's, with its transforms and what they were fitted to so far."""
    return f"{scene.key} {replay.transforms}"
