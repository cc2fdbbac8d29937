"""The model of a run."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def unwrap_model(runner: Runner) -> nn.Module:
    """The model without its wrapper for distributed training.

    Args:
        runner: The run.
    """
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
