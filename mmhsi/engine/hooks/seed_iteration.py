"""Seeds torch for every iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.dist import get_rank
from mmengine.hooks import Hook

from mmhsi.datasets.samplers import sample_seed, seed_torch
from mmhsi.models.preprocessors import BandPreprocessor
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class SeedIterationHook(Hook):
    """Derives what a step draws from (seed, iteration, sample of the whole batch) alone: masks, batch augmentation.

    Dropout and stochastic depth depend on the rank in place of the sample. No generator's state has to be saved: a
    resumed run draws what an uninterrupted one would.
    """

    priority = "VERY_HIGH"

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Seed torch's generators, on the CPU and on every device, and tell the preprocessor what all ranks share."""
        seed_torch(sample_seed(runner.seed, runner.iter, get_rank()))
        preprocessor = unwrap_model(runner).data_preprocessor
        if isinstance(preprocessor, BandPreprocessor):
            preprocessor.step_seed = sample_seed(runner.seed, runner.iter, 0)
