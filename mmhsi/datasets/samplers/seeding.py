"""One seed from several numbers, and one seed for several generators."""

from __future__ import annotations

import functools
import random

import numpy as np
import torch


def sample_seed(*parts: int) -> int:
    """Mix integers into one seed of 32 bits; equal parts give equal seeds in every process."""
    return int(np.random.SeedSequence([part & 0xFFFFFFFF for part in parts]).generate_state(1)[0])


@functools.cache
def _has_accelerator() -> bool:
    return torch.accelerator.is_available()


def seed_torch(seed: int) -> None:
    """Seed torch's generators, on the CPU and on every device: ``torch.manual_seed``, cheap enough for every sample.

    For each kind of device that is not in use, torch's own notes who asked, which formats the whole call stack.

    Args:
        seed: From 0 to 2^64 − 1.
    """
    if _has_accelerator():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators, from which mm transforms draw.

    Args:
        seed: From 0 to 2^32 − 1.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    seed_torch(seed)
