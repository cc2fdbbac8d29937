"""Batches of one window size each, every size equally often (IMAE paper, multi-size pretraining)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import Sampler

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATA_SAMPLERS

from .seeded import SeededIndex
from .seeding import sample_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class SizedIndex(SeededIndex):
    """A sample's index together with its seed and with the side of the window to cut around it, in pixels."""

    size: int

    def __new__(cls, index: int, seed: int, size: int) -> SizedIndex:
        """Make index ``index`` with ``seed`` and ``size``."""
        value = int.__new__(cls, index)
        value._seed = (seed,)
        value.size = size
        return value

    def __getnewargs__(self) -> tuple[int, int, int]:  # type: ignore[override]
        return int(self), self.seed, self.size


def equal_token_batch_sizes(sizes: Sequence[int], batch_size: int) -> tuple[int, ...]:
    """Batch sizes with about as many pixels a batch for every window size.

    Args:
        sizes: Sides of the windows in pixels.
        batch_size: Windows a batch of the smallest size, s0.

    Returns:
        For each size s, ``batch_size`` · s0² / s², rounded, at least 1.
    """
    smallest = min(sizes)
    return tuple(max(round(batch_size * smallest**2 / size**2), 1) for size in sizes)


@DATA_SAMPLERS.register_module()
class MultiSizeBatchSampler(Sampler):
    """Gives each step one window size, the same on every rank; indices are :class:`SizedIndex`.

    Config: ``batch_sampler=dict(type='MultiSizeBatchSampler', sizes=(9, 15, 29, 33))`` beside the dataloader's
    ``sampler``, which decides the order of the samples, and its ``batch_size``.

    - **Samples.** An epoch holds those that ``sampler`` gives this rank, each once. With mmengine's ``round_up=True``
      the first samples of the order are repeated until all ranks have equally many: at most one fewer than there are
      ranks. With ``round_up=False`` the last ones of the order are left out instead, at most as many.
    - **Sizes.** The size of a step depends on (seed, epoch, step) alone. In an epoch the numbers of steps of any two
      sizes differ by at most one, and the sizes that have one more take turns from epoch to epoch. Steps are shuffled.
    - **Steps.** All epochs and ranks have equally many, the fewest that no batch grows beyond its size's batch size.
      The samples are spread over them, so that no last batch is small. With ``drop_last=True`` all batches are full
      and the samples that are left over wait for another epoch.
    - **Resuming.** An epoch is a pure function of (seed, epoch): an iterator that skips batches, as mmengine's
      iteration loop does, and :meth:`set_start` both go on with the batches of the uninterrupted run.

    Args:
        sampler: Sampler of the epoch: :class:`SeededSampler` or mmengine's ``DefaultSampler``. Indices without a seed
            are given the one that :class:`SeededSampler` would give them.
        batch_size: Windows a batch on one rank.
        sizes: Sides of the windows in pixels, different.
        batch_sizes: Windows a batch for each of ``sizes``, in place of ``batch_size``.
        equal_tokens: Whether ``batch_size`` holds for the smallest window alone and larger ones have smaller batches
            of about as many pixels (:func:`equal_token_batch_sizes`). Default False.
        drop_last: Whether all batches are full. Default False.

    Raises:
        ConfigError: If a value cannot work or ``sampler`` has no epochs.
        DataError: If there are too few samples for one batch.
    """

    def __init__(
        self,
        sampler: DefaultSampler,
        batch_size: int,
        sizes: Sequence[int],
        batch_sizes: Sequence[int] | None = None,
        equal_tokens: bool = False,
        drop_last: bool = False,
    ) -> None:
        if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
            raise ConfigError(f"MultiSizeBatchSampler: sizes={tuple(sizes)} given, expected different positive sides")
        if batch_sizes is not None and equal_tokens:
            raise ConfigError("MultiSizeBatchSampler: give either batch_sizes or equal_tokens=True")
        if batch_sizes is not None and len(batch_sizes) != len(sizes):
            raise ConfigError(f"MultiSizeBatchSampler: {len(batch_sizes)} batch_sizes for {len(sizes)} sizes")
        if min(batch_sizes or (batch_size,)) < 1:
            raise ConfigError(
                f"MultiSizeBatchSampler: batch size {min(batch_sizes or (batch_size,))} given, expected at least 1"
            )
        if not isinstance(sampler, DefaultSampler):
            raise ConfigError(
                f"MultiSizeBatchSampler: sampler {type(sampler).__name__} has no epochs that all ranks share, expected "
                "SeededSampler or DefaultSampler"
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.sizes = tuple(sizes)
        if batch_sizes is not None:
            self.batch_sizes = tuple(batch_sizes)
        elif equal_tokens:
            self.batch_sizes = equal_token_batch_sizes(self.sizes, batch_size)
        else:
            self.batch_sizes = (batch_size,) * len(self.sizes)
        self.drop_last = drop_last
        self._start = 0
        # The same on every rank; a rank's own count differs by one where the sampler does not round up.
        self.num_samples = (
            sampler.num_samples if sampler.round_up else len(sampler.dataset) // max(sampler.world_size, 1)
        )
        self._rounds, self._extra = self._count_steps()
        if not len(self):
            raise DataError(
                f"MultiSizeBatchSampler: {len(sampler.dataset)} samples on {sampler.world_size} ranks do not fill one "
                f"batch of {max(self.batch_sizes) if drop_last else 1} on each"
            )

    def _count_steps(self) -> tuple[int, int]:
        """Rounds of one step of every size, and how many sizes have a step more, whichever these are.

        Without ``drop_last`` any choice of them must hold all samples, with it none may need more than there are.
        """
        rounds, rest = divmod(self.num_samples, sum(self.batch_sizes))
        held = np.cumsum([0, *sorted(self.batch_sizes, reverse=self.drop_last)])
        if self.drop_last:
            return rounds, int(np.searchsorted(held, rest, side="right")) - 1
        extra = int(np.searchsorted(held, rest, side="left"))
        return rounds + extra // len(self.sizes), extra % len(self.sizes)

    def __len__(self) -> int:
        """Steps an epoch."""
        return self._rounds * len(self.sizes) + self._extra

    def plan(self, epoch: int) -> tuple[list[int], list[int]]:
        """Lay out an epoch.

        Args:
            epoch: From 0.

        Returns:
            Window size and number of samples of every step.
        """
        count = len(self.sizes)
        more = [(epoch * self._extra + turn) % count for turn in range(self._extra)]
        steps = np.asarray([*range(count)] * self._rounds + more)
        # Four parts: the seed of no sample, which has three.
        steps = np.random.default_rng(sample_seed(self.sampler.seed, epoch, 0, 1)).permutation(steps)
        full = np.asarray(self.batch_sizes)[steps]
        if self.drop_last:
            lengths = full
        else:
            # One sample a step, so that none is empty; the others in proportion to the room that each step has left.
            # They are no more than there is room, so that the rounded cuts never give a step more than its own.
            room = np.cumsum([0, *(full - 1)])
            others = self.num_samples - len(steps)
            lengths = 1 + np.diff((room * others + room[-1] // 2) // max(int(room[-1]), 1))
        return [self.sizes[step] for step in steps], lengths.tolist()

    def set_start(self, step: int) -> None:
        """Let the next iteration begin at ``step`` of its epoch, as after an interruption there; later ones do not.

        Args:
            step: Batch of the epoch, from 0.

        Raises:
            ConfigError: If the epoch has no such step.
        """
        if not 0 <= step <= len(self):
            raise ConfigError(f"MultiSizeBatchSampler: start at step {step} given, an epoch has {len(self)} steps")
        self._start = step

    def __iter__(self) -> Iterator[list[int]]:
        """Give this rank's batches of the epoch."""
        epoch = self.sampler.epoch
        start, self._start = self._start, 0
        indices = iter(self.sampler)
        for step, (size, length) in enumerate(zip(*self.plan(epoch), strict=True)):
            batch = list(itertools.islice(indices, length))
            if step >= start:
                yield [SizedIndex(index, self._seed(index, epoch), size) for index in batch]

    def _seed(self, index: int, epoch: int) -> int:
        """The sampler's seed of a sample, or the one that a seeded sampler would have."""
        return index.seed if isinstance(index, SeededIndex) else sample_seed(self.sampler.seed, epoch, index)
