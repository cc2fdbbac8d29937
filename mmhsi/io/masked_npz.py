"""Masked arrays in NumPy's archives, as Hyperview's fields are published: ``data`` and ``mask`` in an .npz file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.axes import as_cube, named_order
from mmhsi.io.cube import HSICube
from mmhsi.io.files import existing_file, reading
from mmhsi.io.readers.base import check_dtype

if TYPE_CHECKING:
    from os import PathLike

MOST = 1 << 31
"""Bytes that an archive may unpack to: what is larger is no field."""


def read_masked_npz(path: str | PathLike[str], axes: str = "band y x") -> HSICube:
    """Read a cube with a mask.

    Args:
        path: An .npz file with the arrays ``data`` and, of the same shape, ``mask``, True where there is nothing.
        axes: Their axes. Default ``"band y x"``.

    Returns:
        The cube; a pixel that is masked in any band is masked in all.

    Raises:
        FileFormatError: There is no such file, or it is damaged.
        DataError: It holds other arrays, or more than 2 GiB.
    """
    file = existing_file(path, "an .npz file with the arrays data and mask")
    with reading(file, "not a readable .npz file of data and mask"), np.load(file, allow_pickle=False) as arrays:
        if not {"data", "mask"} <= set(arrays.files) or arrays.zip is None:
            raise DataError(f"{file}: holds {', '.join(arrays.files)[:200]}; expected the arrays data and mask")
        size = sum(arrays.zip.getinfo(f"{name}.npy").file_size for name in ("data", "mask"))
        if size > MOST:
            raise DataError(f"{file}: unpacks to {size} bytes, expected at most {MOST}")
        data, mask = arrays["data"], arrays["mask"]
    check_dtype(data.dtype, str(file))
    if data.ndim != 3 or mask.shape not in (data.shape, ()) or mask.dtype.kind != "b":
        raise DataError(f"{file}: data of shape {data.shape}, mask {mask.shape} of {mask.dtype}; expected 3 axes each")
    order = named_order(axes, data.shape, 3, str(file))
    missing = as_cube(np.broadcast_to(mask, data.shape), order).any(axis=2)
    return HSICube(np.ascontiguousarray(as_cube(data, order)), mask=np.logical_not(missing), name=str(file))
