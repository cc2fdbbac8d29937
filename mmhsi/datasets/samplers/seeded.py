"""Samplers whose indices carry a seed, so that augmentation depends on (seed, epoch, sample) alone."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.dataset import DefaultSampler

from mmhsi.registry import DATA_SAMPLERS

from .seeding import sample_seed


class SeededIndex(int):
    """A sample's index together with the seed of its random transforms in this epoch."""

    seed: int

    def __new__(cls, index: int, seed: int) -> SeededIndex:
        """Make index ``index`` with ``seed``."""
        value = super().__new__(cls, index)
        value.seed = seed
        return value

    def __getnewargs__(self) -> tuple[int, int]:  # type: ignore[override]
        return int(self), self.seed


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's epoch sampler, its indices seeded.

    A dataset that seeds its transforms from :attr:`SeededIndex.seed` draws the same augmentation for (seed, epoch,
    sample) whatever the number of workers, and after a resume.
    """

    def __iter__(self) -> Iterator[int]:
        """Give this rank's indices of the epoch."""
        for index in super().__iter__():
            yield SeededIndex(index, sample_seed(self.seed, self.epoch, index))
