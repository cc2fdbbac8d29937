"""Samplers whose indices carry a seed, so that augmentation depends on seed, epoch or place, and sample alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.dataset import DefaultSampler, InfiniteSampler

from mmhsi.registry import DATA_SAMPLERS

from .seeding import sample_seed

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@DATA_SAMPLERS.register_module()
class SeededInfiniteSampler(InfiniteSampler):
    """mmengine's endless sampler for loops that count iterations, its indices seeded.

    A sample's seed comes from the run's seed and its place in the endless order of all ranks, so that a resumed run,
    which :meth:`skip` brings to its place, draws what an uninterrupted one would.
    """

    _skipped = 0

    def skip(self, num_samples: int) -> None:
        """Let the next iteration begin after this rank's first ``num_samples`` samples.

        Args:
            num_samples: Of this rank.
        """
        super().skip(num_samples)
        self._skipped = num_samples

    def __iter__(self) -> Iterator[int]:
        """Give this rank's indices, without end."""
        for step, index in enumerate(super().__iter__(), self._skipped):
            yield SeededIndex(index, sample_seed(self.seed, step * self.world_size + self.rank, index))
