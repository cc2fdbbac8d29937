"""Channels that a model was trained on, for the data that it is validated and tested on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mmhsi.config_files import wrapped_datasets
from mmhsi.datasets.transforms import SceneChannels
from mmhsi.errors import ConfigError
from mmhsi.registry import TRANSFORMS, registered

if TYPE_CHECKING:
    from mmhsi.spec import InputSpec


def with_fitted_channels(dataset: dict, spec: InputSpec) -> dict:
    """Give ``SceneChannels`` of data the state that those of the training were fitted to.

    Whatever state a config gives them: that of a run's work dir may be of another checkpoint.

    Args:
        dataset: Config of the data, of which ``transforms`` and ``pipeline`` are looked through.
        spec: What the model was trained on.

    Returns:
        A copy of the config.

    Raises:
        ConfigError: If the training had another number of ``SceneChannels``.
    """
    fitted = [step for step in spec.transforms if _is_channels(step)]
    dataset = copy.deepcopy(dataset)
    for part in wrapped_datasets(dataset):
        for key in ("transforms", "pipeline"):
            found = [step for step in part.get(key) or () if _is_channels(step)]
            if not found:
                continue
            if len(found) != len(fitted):
                raise ConfigError(
                    f"{part.get('type')}: {key} has {len(found)} SceneChannels, the model was trained behind "
                    f"{len(fitted)}; give the channels of the training"
                )
            for step, state in zip(found, fitted, strict=True):
                kept = {key: step[key] for key in ("cache_mb",) if key in step}
                step.clear()
                step.update(state, **kept)
    return dataset


def _is_channels(step: object) -> bool:
    """Whether a step of a config is ``SceneChannels``."""
    kind = step.get("type") if isinstance(step, dict) else None
    return (registered(TRANSFORMS, kind) if isinstance(kind, str) else kind) is SceneChannels
