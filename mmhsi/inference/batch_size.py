"""How many windows a model takes at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

WORTH_IT = 1.05
"""Factor by which a doubled batch has to be faster, per window, to be worth its memory."""


def fastest_batch(run: Callable[[int], object], device: torch.device, start: int, limit: int) -> int:
    """Double the batch while that makes a window at least 5 % cheaper and memory lasts.

    Args:
        run: Runs the model on a batch of the size given.
        device: Where it runs.
        start: First size tried.
        limit: Largest size tried.

    Returns:
        The size.

    Raises:
        ConfigError: If memory does not last for the first size.
    """

    def rate(size: int) -> float:
        begin = time.perf_counter()
        run(size)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return size / (time.perf_counter() - begin)

    best, fastest, size = 0, 0.0, start
    while size <= limit:
        try:
            rate(size)  # the first run of a size also pays for memory and the choice of kernels
            found = rate(size)
        except torch.OutOfMemoryError:
            if device.type == "cuda":
                torch.cuda.empty_cache()
            break
        if found < WORTH_IT * fastest:
            break
        best, fastest, size = size, found, size * 2
    if not best:
        raise ConfigError(f"{device}: memory does not last for {start} windows at a time; give a smaller batch_size")
    return best
