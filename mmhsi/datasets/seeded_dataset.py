"""What the datasets that run a pipeline have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmengine.dataset import BaseDataset

from .samplers import seed_everything


class SeededDataset(BaseDataset):
    """mmengine's dataset, its pipeline seeded by the sample's index where the sampler seeds that.

    A sample that cannot be read is an error; mmengine would replace it by another one in silence.

    Args:
        metainfo: Facts about the data.
        pipeline: Transforms.
        lazy_init: mmengine's flag.
    """

    def __init__(self, metainfo: dict, pipeline: Sequence[dict | Callable], lazy_init: bool) -> None:
        super().__init__(pipeline=list(pipeline), test_mode=True, lazy_init=True)
        self._metainfo.update(metainfo)  # mmengine's argument takes strings for names of files
        if not lazy_init:
            self.full_init()

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline."""
        seed = getattr(idx, "seed", None)
        if seed is not None:
            seed_everything(seed)
        return super().prepare_data(idx)
