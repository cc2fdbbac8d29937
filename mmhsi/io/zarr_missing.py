"""The attribute ``_FillValue`` of Zarr's version 3 as xarray writes it: floats in base64, since JSON knows no NaN."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError
from mmhsi.io.cube import nodata_in_type

if TYPE_CHECKING:
    import numpy as np


def encode_missing(nodata: float | None, dtype: np.dtype) -> str | int | None:
    """What xarray reads as the value that stands for "not measured"; None where no value of the type can be it.

    Args:
        nodata: The value, NaN allowed, or None.
        dtype: Of the array.
    """
    missing = nodata_in_type(nodata, dtype)  # as values hold it: xarray compares in float64
    if nodata is not None and dtype.kind == "f":
        return base64.standard_b64encode(struct.pack("<d", nodata if missing is None else missing)).decode()
    return None if missing is None else int(missing)


def decode_missing(said: object, where: str) -> float:
    """The number that an attribute means: one in base64, a plain one, or the text of one (``"NaN"``).

    Args:
        said: Of ``_FillValue`` or ``missing_value``.
        where: File and attribute, for the message.

    Raises:
        FileFormatError: It is no number.
    """
    try:
        if isinstance(said, str) and len(said) == 12 and said.endswith("="):  # 8 bytes
            return float(struct.unpack("<d", base64.b64decode(said, validate=True))[0])
        if isinstance(said, str | int | float):
            return float(said)
    except ValueError:
        pass
    raise FileFormatError(f"{where} is {said!r}, expected a number, or a float64 in base64 as xarray writes it")
