"""File names of fixed splits, one a seed."""

from __future__ import annotations

from pathlib import Path


def seeded_path(path: str | Path, seed: int) -> Path:
    """Put ``seed`` where ``path`` says ``{seed}``; other braces stay as they are.

    Args:
        path: With or without ``{seed}``.
        seed: What takes its place.
    """
    return Path(str(path).replace("{seed}", str(seed)))
