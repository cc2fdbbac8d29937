"""Channels that a model was trained on, for the data that it is validated and tested on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mmhsi.arguments import takes_argument
from mmhsi.config_files import wrapped_datasets
from mmhsi.datasets.transforms import SceneChannels
from mmhsi.errors import ConfigError
from mmhsi.registry import DATASETS, TRANSFORMS, registered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmhsi.spec import InputSpec

STEPS = ("transforms", "pipeline")
"""Arguments of data sets that hold transforms."""
CHOSEN = ("groups", "local", "window", "components")
"""Arguments of ``SceneChannels`` that are no fitted state."""


def with_fitted_channels(dataset: dict, spec: InputSpec, key: str) -> dict:
    """Give ``SceneChannels`` of data the state that those of the training were fitted to.

    Whatever state a config gives them: that of a run's work dir may be of another checkpoint. What it leaves out is the
    training's, what it chooses has to be.

    Args:
        dataset: Config of the data, of which ``transforms`` and ``pipeline`` are looked through.
        spec: What the model was trained on.
        key: Where the data stand in the config, for messages.

    Returns:
        A copy of the config.

    Raises:
        ConfigError: If the training had another number of ``SceneChannels``, or others.
    """
    fitted = [step for step in spec.transforms if _is_channels(step)]
    dataset = copy.deepcopy(dataset)
    for part in wrapped_datasets(dataset):
        found = [step for name in STEPS for step in part.get(name) or () if _is_channels(step)]
        if len(found) != len(fitted) and (found or _takes_steps(part)):
            raise ConfigError(
                f"{key}: {part.get('type')} has {len(found)} SceneChannels, the model was trained behind "
                f"{len(fitted)}; give the channels of the training"
            )
        states = iter(fitted)
        for name in STEPS:
            if part.get(name):
                part[name] = [
                    _as_trained(step, next(states), key) if _is_channels(step) else step for step in part[name]
                ]
    return dataset


def _is_channels(step: object) -> bool:
    """Whether a step, or its config, is ``SceneChannels``."""
    kind = step.get("type") if isinstance(step, dict) else type(step)
    return (registered(TRANSFORMS, kind) if isinstance(kind, str) else kind) is SceneChannels


def _takes_steps(dataset: dict) -> bool:
    """Whether a config is of data that go through transforms, and of none that wrap such."""
    kind = dataset.get("type")
    built = registered(DATASETS, kind) if isinstance(kind, str) else kind
    return isinstance(built, type) and any(takes_argument(built, name) for name in STEPS)


def _as_trained(step: dict | SceneChannels, state: dict, key: str) -> dict:
    """The training's config in place of a step, which must have chosen the same."""
    given: Mapping = step if isinstance(step, dict) else vars(step)
    chosen = {name: given[name] for name in CHOSEN if given.get(name) is not None}
    trained = SceneChannels(**{name: state[name] for name in CHOSEN if name in state})
    wanted = SceneChannels(**{name: chosen.get(name, getattr(trained, name)) for name in CHOSEN})
    difference = _difference(wanted, trained)
    if difference is not None:
        raise ConfigError(
            f"{key}: SceneChannels has {difference[0]}, that of the training {difference[1]}; leave it out, or give "
            "the training's"
        )
    return {**state, **({"cache_mb": given["cache_mb"]} if "cache_mb" in given else {})}


def _difference(wanted: SceneChannels, trained: SceneChannels) -> tuple[str, str] | None:
    """The first choice that differs, in words, of both; None where none does."""
    for name in ("local", "components", *(("window",) if trained.local else ())):
        one, two = getattr(wanted, name), getattr(trained, name)
        if one != two:
            return f"{name}={one}", f"{name}={two}"
    families = wanted.families or [], trained.families or []
    one, two = (", ".join(type(family).__name__ for family in each) for each in families)
    if one != two:
        return f"groups {one}", two
    for family, other in zip(*families, strict=True):
        expected = other.arguments()
        for name, value in family.arguments().items():
            if name not in family.learned and value is not None and value != expected[name]:
                return f"{type(family).__name__} with {name}={value}", f"{name}={expected[name]}"
    return None
