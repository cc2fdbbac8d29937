"""Samplers whose indices carry a seed, so that augmentation depends on seed, epoch or place, and sample alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.dataset import DefaultSampler, InfiniteSampler

from mmhsi.registry import DATA_SAMPLERS

from .seeding import sample_seed

if TYPE_CHECKING:
    from collections.abc import Iterator


class SeededIndex(int):
    """A sample's index together with the seed of its random transforms in this epoch.

    Args:
        index: Of the sample.
        *seed: The seed, or several numbers of which :func:`sample_seed` makes it where somebody asks for it: pixels of
            a scene have no transforms of their own.
    """

    _seed: tuple[int, ...]

    def __new__(cls, index: int, *seed: int) -> SeededIndex:
        """Make index ``index`` with ``seed``."""
        value = super().__new__(cls, index)
        value._seed = seed
        return value

    def __getnewargs__(self) -> tuple[int, ...]:  # type: ignore[override]
        return int(self), *self._seed

    @property
    def seed(self) -> int:
        """From 0 to 2^32 − 1."""
        return self._seed[0] if len(self._seed) == 1 else sample_seed(*self._seed)


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's epoch sampler, its indices seeded.

    A dataset that seeds its transforms from :attr:`SeededIndex.seed` draws the same augmentation for (seed, epoch,
    sample) whatever the number of workers, and after a resume.
    """

    def __iter__(self) -> Iterator[int]:
        """Give this rank's indices of the epoch."""
        for index in super().__iter__():
            yield SeededIndex(index, self.seed, self.epoch, index)


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
            yield SeededIndex(index, self.seed, step * self.world_size + self.rank, index)
