"""One seed from several numbers, and one seed for several generators."""

from __future__ import annotations

import random

import numpy as np
import torch


def sample_seed(*parts: int) -> int:
    """Mix integers into one seed of 32 bits; equal parts give equal seeds in every process."""
    return int(np.random.SeedSequence([part & 0xFFFFFFFF for part in parts]).generate_state(1)[0])


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators, from which mm transforms draw.

    Args:
        seed: From 0 to 2^32 − 1.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
