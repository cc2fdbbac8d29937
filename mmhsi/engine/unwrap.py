"""The model of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mmengine.model import BaseModel, is_model_wrapper

if TYPE_CHECKING:
    from mmengine.runner import Runner


def unwrap_model(runner: Runner) -> BaseModel:
    """The model without its wrapper for distributed training."""
    return cast("BaseModel", runner.model.module if is_model_wrapper(runner.model) else runner.model)
