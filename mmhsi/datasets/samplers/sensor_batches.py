"""Batches of one sensor each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import Sampler

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATA_SAMPLERS

from .seeded import SeededIndex
from .seeding import sample_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@runtime_checkable
class HasSensors(Protocol):
    """A dataset of several sensors, one behind another.

    Attributes:
        ends: Where each one ends in the order of all samples.
        weights: How often each one's batches come, relative to those of others.
    """

    ends: tuple[int, ...]
    weights: tuple[float, ...]


def share_out(steps: int, weights: Sequence[float]) -> list[int]:
    """Split a number of steps by weights, by the largest remainders; every share is at least 1.

    Args:
        steps: At least as many as weights.
        weights: Positive.
    """
    spare = steps - len(weights)
    exact = np.asarray(weights) / sum(weights) * spare
    shares = np.floor(exact).astype(int)
    for index in np.argsort(-(exact - shares), kind="stable")[: spare - shares.sum()]:
        shares[index] += 1
    return (shares + 1).tolist()


@DATA_SAMPLERS.register_module()
class SensorBatchSampler(Sampler):
    """Gives each step one sensor, the same on every rank; indices are :class:`SeededIndex`.

    Config: ``batch_sampler=dict(type='SensorBatchSampler')`` beside the dataloader's ``sampler`` and its
    ``batch_size``, with a :class:`mmhsi.datasets.MixedDataset`.

    - **Steps.** An epoch has as many full batches as the samples of all sensors fill. They are dealt out among the
      sensors by the dataset's weights, at least one to each, and shuffled.
    - **Samples.** A sensor's batches go through its samples in a shuffled order, and begin another one when that ends:
      a sensor of a large weight sees some of its samples twice an epoch, one of a small weight not all.
    - **Ranks.** The batch of all ranks is dealt out in turn, as mmengine's samplers do: two processes of batches of 4
      take the steps that one of batches of 8 takes.
    - **Resuming.** An epoch is a pure function of (seed, epoch); an iterator that skips batches goes on with those of
      the uninterrupted run.

    Args:
        sampler: Sampler of the epoch, whose seed, epoch and ranks count: :class:`SeededSampler` or mmengine's
            ``DefaultSampler``.
        batch_size: Samples a batch on one rank.
        drop_last: mmengine's flag; batches are always full.

    Raises:
        ConfigError: If ``sampler`` has no epochs, or its dataset no sensors.
        DataError: If there are fewer full batches than sensors.
    """

    def __init__(self, sampler: DefaultSampler, batch_size: int, drop_last: bool = True) -> None:
        if not isinstance(sampler, DefaultSampler):
            raise ConfigError(
                f"SensorBatchSampler: sampler {type(sampler).__name__} has no epochs that all ranks share, expected "
                "SeededSampler or DefaultSampler"
            )
        dataset = sampler.dataset
        if not isinstance(dataset, HasSensors):
            raise ConfigError(f"SensorBatchSampler: {type(dataset).__name__} has no sensors, expected a MixedDataset")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.ends, self.weights = dataset.ends, dataset.weights
        self.whole = batch_size * max(sampler.world_size, 1)
        self.steps = self.ends[-1] // self.whole
        if self.steps < len(self.ends):
            raise DataError(
                f"SensorBatchSampler: {self.ends[-1]} samples fill {self.steps} batches of {self.whole}, expected at "
                f"least one for each of {len(self.ends)} sensors; make batches smaller"
            )

    def __len__(self) -> int:
        """Steps an epoch."""
        return self.steps

    def plan(self, epoch: int) -> list[list[int]]:
        """Batches of all ranks together.

        Args:
            epoch: From 0.

        Returns:
            Indices of every step, of one sensor each.
        """
        # Four parts and more: the seed of no sample, which has three.
        batches: list[list[int]] = []
        starts = (0, *self.ends[:-1])
        for sensor, count in enumerate(share_out(self.steps, self.weights)):
            rng = np.random.default_rng(sample_seed(self.sampler.seed, epoch, 0, 2, sensor))
            samples, needed = np.arange(starts[sensor], self.ends[sensor]), count * self.whole
            rounds = -(-needed // len(samples))
            order = np.concatenate([rng.permutation(samples) for _ in range(rounds)])[:needed]
            batches += order.reshape(count, self.whole).tolist()
        rng = np.random.default_rng(sample_seed(self.sampler.seed, epoch, 0, 1))
        return [batches[step] for step in rng.permutation(len(batches))]

    def __iter__(self) -> Iterator[list[int]]:
        """Give this rank's batches of the epoch."""
        seed, epoch = self.sampler.seed, self.sampler.epoch
        for step, batch in enumerate(self.plan(epoch)):
            # With the step: a sample that comes twice in an epoch is drawn anew.
            own = batch[self.sampler.rank :: max(self.sampler.world_size, 1)]
            yield [SeededIndex(index, seed, epoch, index, step, 3) for index in own]
