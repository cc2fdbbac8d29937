"""A split in a file, so that others measure on the same pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import existing_file, reason, replacing
from mmhsi.registry import SPLITS

from .split import Split, check_split, seeded_path

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = 1 << 16
"""Bytes beside an array's values, and of a protocol."""


def save_split(path: str | Path, split: Split) -> Path:
    """Write a split that :class:`FileSplit` reads, so that ``path`` appears complete or not at all.

    Args:
        path: File to write or replace, ``.npz``; its folder is made if missing.
        split: The split; its arrays are stored as ``train`` and ``test``, its one line as ``protocol``.

    Returns:
        ``path``.

    Raises:
        ConfigError: If ``path`` does not end in ``.npz``.
        DataError: If the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ConfigError(f"{path}: splits are written as NumPy archives, name the file .npz")
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, train=split.train, test=split.test, protocol=np.asarray(split.protocol))
    return path


def _require_small(arrays: np.lib.npyio.NpzFile, name: str, most: int) -> None:
    """Refuse to unpack more than `most` bytes, and a header."""
    assert arrays.zip is not None  # it is open
    size = arrays.zip.getinfo(f"{name}.npy").file_size
    if size > most + _HEADER:
        raise ValueError(f"{name} holds {size} bytes, more than an index for every pixel takes")


def _indices(arrays: np.lib.npyio.NpzFile, name: str, pixels: int) -> np.ndarray:
    """One array of flat indices of a scene of so many pixels, sorted int64."""
    _require_small(arrays, name, 8 * pixels)
    values = np.asarray(arrays[name])
    if values.ndim != 1:
        raise TypeError(f"{name} has shape {values.shape}, expected one flat index a pixel")
    if values.size and values.dtype.kind not in "iu":
        raise TypeError(f"{name} holds {values.dtype}, not whole numbers")
    return np.sort(values.astype(np.int64))


@SPLITS.register_module()
class FileSplit:
    """Pixel indices from a file: arrays ``train`` and ``test`` of flat row-major indices in an ``.npz``.

    The split's protocol is the file's ``protocol`` where it has one, as :func:`save_split` writes it, else the file's
    name.

    Args:
        path: File; ``{seed}`` in it is replaced by ``seed``.
        seed: Default 0.
    """

    def __init__(self, path: str, seed: int = 0) -> None:
        self.path = seeded_path(path, seed)

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If the file is missing or damaged, or the split does not fit the scene (:func:`check_split`).
        """
        try:
            existing_file(self.path, "an .npz file")
            with np.load(self.path, allow_pickle=False) as arrays:
                train, test = (_indices(arrays, name, labels.size) for name in ("train", "test"))
                if "protocol" in arrays:
                    _require_small(arrays, "protocol", 0)
                protocol = str(arrays["protocol"]) if "protocol" in arrays else f"fixed split {self.path.stem}"
        except Exception as error:  # numpy and zipfile raise many kinds
            raise DataError(
                f"split file {self.path}: expected an .npz with arrays 'train' and 'test' ({reason(error)})"
            ) from error
        return check_split(Split(train, test, protocol), labels, classes)
