"""The one source of randomness of a step: what a sample draws does not depend on how many processes share the work.

mmengine's samplers deal samples out in turn: sample k of rank r of R processes is sample k · R + r of the whole batch.
Every rank draws for all of them from generators that all ranks seed alike, and takes its own. Dropout and stochastic
depth are no matter of this: every rank draws its own.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from mmengine.dist import get_dist_info
from torch import Generator, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

POOL = 256
"""Samples that :meth:`BatchRNG.by_image` draws for; the bits of an image say which of them it is."""


class BatchRNG:
    """Draws for the samples of one batch. Masking strategies and batch augmentations have nothing else to draw from.

    There are three origins of numbers: a generator, this constructor; a training step, :meth:`of_step`; and the images
    themselves, :meth:`by_image`.

    Args:
        samples: Samples B of this process.
        device: Where numbers are drawn.
        generator: Source of the numbers, for these samples alone. Default: torch's own.

    Attributes:
        samples: Samples B of this process.
        device: Where numbers are drawn.
        total: Samples that are drawn for, those of this process among them.
    """

    def __init__(self, samples: int, device: torch.device | str, generator: Generator | None = None) -> None:
        self.samples = samples
        self.device = torch.device(device)
        self.total = samples
        self._own: slice | Tensor = slice(None)  # of all samples, those of this process
        self._seed: int | None = None  # None: torch's own generators
        self._generators: dict[str, Generator] = {}  # by kind of device
        if generator is not None:
            self._seed = generator.initial_seed()
            self._generators[generator.device.type] = generator

    @classmethod
    def of_step(cls, samples: int, device: torch.device | str, seed: int) -> BatchRNG:
        """Draw for the batch of all processes, and take this process's share.

        A single process draws from torch's own generators, which :class:`mmhsi.engine.SeedIterationHook` seeds with the
        same number.

        Args:
            samples: Samples B of this process; as many in every other.
            device: Where numbers are drawn.
            seed: Of the step, the same in all processes.
        """
        rng = cls(samples, device)
        rank, world = get_dist_info()
        if world > 1:
            rng.total = samples * world
            rng._own = slice(rank, None, world)
            rng._seed = seed
        return rng

    @classmethod
    def by_image(cls, images: Tensor) -> BatchRNG:
        """Draw what each image decides alone: not its batch, its place in it or the process, nor any seed.

        Args:
            images: Shape (B, …), float.
        """
        rng = cls(len(images), images.device)
        # Integers add up the same in any order: the number is that of the image, whatever the device adds first.
        bits = images.float().contiguous().view(torch.int32).flatten(1).sum(1, dtype=torch.int64)
        rng.total = POOL
        rng._own = bits % POOL
        rng._seed = 0
        return rng

    def for_views(self, views: int) -> BatchRNG:
        """The same source for several views of every sample, all samples' first views first.

        Args:
            views: Views V of a sample; V · B take the place of B samples.
        """
        rng = copy.copy(self)  # which draws on from the same generators
        rng.samples *= views
        rng.total *= views
        if isinstance(self._own, Tensor):
            rng._own = torch.cat([self._own + view * self.total for view in range(views)])
        return rng

    def uniform(self, *shape: int) -> Tensor:
        r"""Numbers from 0 to 1, 1 excluded, shape (B, \*shape).

        Args:
            *shape: Of what a sample draws.
        """
        return self.draw(lambda total, source: torch.rand(total, *shape, device=self.device, **_by(source)))

    def normal(self, *shape: int) -> Tensor:
        r"""Numbers of zero mean and unit variance, shape (B, \*shape).

        Args:
            *shape: Of what a sample draws.
        """
        return self.draw(lambda total, source: torch.randn(total, *shape, device=self.device, **_by(source)))

    def integers(self, high: int, *shape: int) -> Tensor:
        r"""Integers from 0 to ``high`` − 1, int64, shape (B, \*shape).

        Args:
            high: How many there are to choose from.
            *shape: Of what a sample draws.
        """
        return self.draw(lambda total, source: torch.randint(high, (total, *shape), device=self.device, **_by(source)))

    def permutation(self, n: int) -> Tensor:
        """Numbers from 0 to n − 1 in an order of every sample's own, int64, shape (B, n).

        Args:
            n: How many.
        """
        return self.uniform(n).argsort(dim=1)

    def draw(self, make: Callable[[int, Generator | None], Tensor], device: torch.device | None = None) -> Tensor:
        """Draw by a function of one's own, for what the other methods lack.

        Args:
            make: Gives for a number of samples N and a generator, None for torch's own, a tensor of shape (N, …).
            device: Where ``make`` draws. Default: that of this object.

        Returns:
            What it gives for the samples of this process, shape (B, …).
        """
        drawn = make(self.total, self._source(device or self.device))
        return drawn[self._own.to(drawn.device) if isinstance(self._own, Tensor) else self._own]

    def batch_order(self) -> Tensor:
        """Numbers of all samples, those of other processes too, in a random order that is the same in every process.

        Returns:
            int64 tensor of shape (total,) on the CPU, where it is drawn.
        """
        return torch.randperm(self.total, generator=self._source(torch.device("cpu")))

    def _source(self, device: torch.device) -> Generator | None:
        if self._seed is None:
            return None
        if device.type not in self._generators:
            self._generators[device.type] = Generator(device).manual_seed(self._seed)
        return self._generators[device.type]


def _by(source: Generator | None) -> dict[str, Any]:
    """Argument of torch's functions; None as one stops ``torch.compile`` at a batch of another size (torch 2.11)."""
    return {} if source is None else {"generator": source}
