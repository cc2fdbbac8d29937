"""Channels of a pixel's surroundings in a pipeline of tiles: fitted to them without labels, made of whole tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.progress import watched

from .replay import KEEPING_SIZE
from .transforms.common import valid_mask
from .transforms.loading import LoadCube, LoadLabels
from .transforms.scene_channels import SceneChannels
from .transforms.scope import ValueStep, declared_scope, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .transforms.scene_channels import SceneParts
    from .transforms.scope import Transform


class TileParts:
    """Tiles as :meth:`SceneChannels.fit` takes them, read anew every time they are gone through.

    Args:
        steps: What the pipeline does before the channels, without labels.
        entries: Of the tiles.
    """

    def __init__(self, steps: Sequence[Transform], entries: Sequence[dict]) -> None:
        self.steps = steps
        self.entries = entries

    def __iter__(self) -> Iterator[SceneParts]:
        for entry in watched(self.entries, "fitting channels"):
            results = dict(entry)
            for step in self.steps:
                results = step(results)  # type: ignore[assignment]
            yield results["img"], valid_mask(results), None, 1


def fit_channels(
    owner: str, pipeline: Sequence[Transform], steps: Sequence[ValueStep], entries: Sequence[dict]
) -> list[ValueStep]:
    """Fit each :class:`SceneChannels` of a pipeline that is not fitted yet, behind the steps before it.

    Args:
        owner: The dataset, for messages.
        pipeline: Its transforms.
        steps: Those of them that change values.
        entries: Of the tiles to fit to.

    Returns:
        ``steps`` with the fitted state.

    Raises:
        ConfigError: If a family of channels needs a second source.
        DataError: If no tile holds data, or one cannot be read.
    """
    for index, step in enumerate(pipeline):
        if isinstance(step, SceneChannels):
            step.fit(TileParts([each for each in pipeline[:index] if not isinstance(each, LoadLabels)], entries))
    return [
        step._replace(config=written(owner, step.config, step.transform))
        if isinstance(step.transform, SceneChannels)
        else step
        for step in steps
    ]


def check_channels(owner: str, pipeline: Sequence[Transform], steps: Sequence[ValueStep]) -> None:
    """Refuse channels of which one would depend on a crop or an augmentation, as none does in a map.

    Args:
        owner: The dataset, for messages.
        pipeline: Its transforms.
        steps: Those that change values, of pipelines within others too.

    Raises:
        ConfigError: If a step before :class:`SceneChannels` cuts, moves or changes pixels at random, or it stands in
            another transform or before the cube is read.
    """
    for place, step in enumerate(pipeline):
        if isinstance(step, SceneChannels) and any(isinstance(later, LoadCube) for later in pipeline[place:]):
            raise ConfigError(f"{owner}: SceneChannels stands before LoadCube in the pipeline, expected it behind")
        for before in pipeline[:place] if isinstance(step, SceneChannels) else ():
            if (
                not isinstance(before, LoadCube | LoadLabels)
                and declared_scope(owner, before).scope not in KEEPING_SIZE
            ):
                raise ConfigError(
                    f"{owner}: {type(before).__name__} stands before SceneChannels in the pipeline; expected LoadCube, "
                    "LoadLabels and transforms of scope 'pixel' before it, so that no channel depends on a crop or an "
                    "augmentation"
                )
    if any(isinstance(step.transform, SceneChannels) and step.transform not in pipeline for step in steps):
        raise ConfigError(f"{owner}: SceneChannels stands within another transform, expected a step of the pipeline")
