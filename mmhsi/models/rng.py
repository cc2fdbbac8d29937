"""Draws for a step's whole batch, so that what a sample draws does not depend on how many processes share the work.

mmengine's samplers deal samples out in turn: row k of rank r of R processes is row k · R + r of the whole batch. Every
rank draws for all rows from generators that all ranks seed alike, and takes its own. One process draws from torch's
generators. Dropout and stochastic depth are no matter of this: every rank draws its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from torch import Generator, Tensor

POOL = 256
"""Different rows that :func:`drawing_by_image` takes draws from."""


class _ByImage(NamedTuple):
    rows: Tensor
    generator: Generator


_seed: int | None = None
_generators: dict[torch.device, Generator] = {}
_by_image: _ByImage | None = None


def seed_draws(seed: int) -> None:
    """Seed the generators that all ranks share; with the same number everywhere, for every step.

    Args:
        seed: The same on every rank.
    """
    global _seed
    _seed = seed
    _generators.clear()


def shared_generator(device: torch.device) -> Generator | None:
    """The generator of ``device`` that gives the same numbers on every rank; None, torch's own, in a single process.

    A process that never called :func:`seed_draws` agrees with the others on a seed here.

    Args:
        device: Where numbers are drawn.
    """
    if get_dist_info()[1] == 1:
        return None
    if _seed is None:
        seed_draws(sync_random_seed())
    if device not in _generators:
        _generators[device] = Generator(device).manual_seed(_seed)
    return _generators[device]


def draw_rows(
    draw: Callable[[int, Generator | None], Tensor], rows: int, device: torch.device, generator: Generator | None = None
) -> Tensor:
    """Draw for this process's rows of the batch.

    Args:
        draw: Gives n independent rows from a generator, None for torch's own.
        rows: This process's rows.
        device: Where ``draw`` draws.
        generator: Source for these rows alone. Default: that of the whole batch.

    Returns:
        What ``draw`` gives for them, shape (rows, …).
    """
    if generator is not None:
        return draw(rows, generator)
    if _by_image is not None:
        return draw(POOL, _by_image.generator)[_by_image.rows]
    rank, world = get_dist_info()
    return draw(rows * world, shared_generator(device))[rank::world]


def uniform_rows(rows: int, *shape: int, device: torch.device, generator: Generator | None = None) -> Tensor:
    r""":func:`draw_rows` of numbers from 0 to 1, shape (rows, \*shape).

    Args:
        rows: This process's rows.
        *shape: Of a row.
        device: Where they are drawn.
        generator: Source for these rows alone. Default: that of the whole batch.
    """
    return draw_rows(
        lambda count, source: torch.rand(count, *shape, device=device, generator=source), rows, device, generator
    )


@contextmanager
def drawing_by_image(images: Tensor) -> Iterator[None]:
    """Let draws depend on each image alone: not on its batch, its place in it or the process, nor on any seed.

    Args:
        images: Shape (B, …); draws inside are for these B rows.
    """
    global _by_image
    # Integers add up the same in any order: the number is that of the image, whatever the device adds first.
    bits = images.float().contiguous().view(torch.int32).flatten(1).sum(1, dtype=torch.int64)
    before, _by_image = _by_image, _ByImage(bits % POOL, Generator(images.device).manual_seed(0))
    try:
        yield
    finally:
        _by_image = before
