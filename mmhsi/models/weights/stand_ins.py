"""What stands in for the classes and functions that a checkpoint names: plain records, made by nobody's code but ours.

A name of a file is looked up in :data:`CALLS` and nowhere else.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HISTORY = "mmengine.logging.history_buffer.HistoryBuffer"
HISTORY_METHODS = ("min", "max", "current", "mean")
STORED = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
CLASSES = ("numpy.ndarray", HISTORY, *(f"torch.{kind}Storage" for kind in (*STORED, "ComplexFloat", "ComplexDouble")))
"""Classes that a file may name, and hand to a function of :data:`CALLS`."""
RENAMED = {"__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray"}
"""Modules of Python 2, whose names pickles still use, and of numpy 1."""
DTYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
"""numpy's types of numbers, as it writes them."""


class NotPlainError(ValueError):
    """A file holds something that is neither weights nor plain data."""


class Name(NamedTuple):
    """A class or function that a file names; text, and nothing else."""

    path: str


class StorageRecord(NamedTuple):
    """Where values lie in the archive: torch's class of them, the record, how many."""

    kind: str
    key: str
    length: int


class TensorRecord(NamedTuple):
    """A tensor: a view of a storage, in values."""

    storage: StorageRecord
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class DTypeRecord:
    """A type of numpy.

    Args:
        code: Kind and bytes, such as ``'f8'``.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.order: Literal["<", ">", "|", "="] = "="

    def set(self, state: object) -> None:
        """Take the byte order from numpy's state ``(version, order, …)``."""
        if type(state) is not tuple or len(state) != 8 or any(entry is not None for entry in state[2:5]):
            raise NotPlainError("a type of numpy that is more than a kind of number")
        if state[1] not in ("<", ">", "|"):
            raise NotPlainError(f"the byte order {state[1]!r}")
        self.order = state[1]


class ArrayRecord:
    """An array of numpy, whose content comes after it."""

    def __init__(self) -> None:
        self.state: tuple = ()

    def set(self, state: object) -> None:
        """Take numpy's state ``(version, shape, type, Fortran order, bytes)``."""
        if type(state) is not tuple or len(state) != 5:
            raise NotPlainError("an array of numpy without content")
        self.state = state

    def array(self) -> NDArray:
        """The array."""
        if not self.state:
            raise NotPlainError("an array of numpy without content")
        _, shape, dtype, fortran, content = self.state
        if type(shape) is not tuple or any(type(side) is not int or side < 0 for side in shape):
            raise NotPlainError(f"an array of shape {shape!r}")
        return _numbers(dtype, content).reshape(shape, order="F" if fortran is True else "C")


class HistoryRecord:
    """A history of a logged value, whose content comes after it."""

    def __init__(self) -> None:
        self.state: dict = {}

    def set(self, state: object) -> None:
        """Take mmengine's attributes."""
        if type(state) is not dict:
            raise NotPlainError("a history without content")
        self.state = state

    def plain(self) -> dict:
        """``log_history`` and ``count_history``, arrays (n,), and ``max_length``."""
        return {
            "log_history": self.state.get("_log_history"),
            "count_history": self.state.get("_count_history"),
            "max_length": self.state.get("max_length"),
        }


def storage_record(identifier: object) -> StorageRecord:
    """The storage of torch's identifier ``('storage', class, key, device, length)``; the device is not looked at."""
    if type(identifier) is not tuple or len(identifier) != 5 or identifier[0] != "storage":
        raise NotPlainError("something beside the pickle that is no storage")
    _, kind, key, _, length = identifier
    if not isinstance(kind, Name) or type(key) is not str or type(length) is not int or length < 0:
        raise NotPlainError("a storage that is not described by class, key and length")
    return StorageRecord(kind.path, key, length)


def _numbers(dtype: object, content: object) -> NDArray:
    """A copy of bytes as numbers in the machine's byte order, shape (n,)."""
    if not isinstance(dtype, DTypeRecord) or type(content) is not bytes:
        raise NotPlainError("numpy's values are no bytes of a type of numbers")
    return np.frombuffer(content, np.dtype(dtype.code).newbyteorder(dtype.order)).astype(dtype.code)


def _tensor(
    storage: object, offset: object, size: object, stride: object, _grad: object, hooks: object, flags: object = None
) -> TensorRecord:
    if not isinstance(storage, StorageRecord) or type(size) is not tuple or type(stride) is not tuple:
        raise NotPlainError("a tensor that is no view of a storage")
    if hooks or flags or any(type(number) is not int or number < 0 for number in (offset, *size, *stride)):
        raise NotPlainError("a tensor that is described by more than numbers")
    return TensorRecord(storage, offset, size, stride)  # type: ignore[arg-type]


def _parameter(tensor: object, _grad: object, hooks: object) -> TensorRecord:
    if not isinstance(tensor, TensorRecord) or hooks:
        raise NotPlainError("a parameter that is more than a tensor")
    return tensor


def _plain_dict(content: object) -> dict:
    if type(content) is not dict:
        raise NotPlainError("settings that are no dict")
    return content


def _bytes(text: object, encoding: object) -> bytes:
    if type(text) is not str or encoding != "latin1":
        raise NotPlainError("bytes that are not written as latin1")
    return text.encode("latin1")


def _dtype(code: object, _align: object, _copy: object) -> DTypeRecord:
    if type(code) is not str or code not in DTYPES:
        raise NotPlainError(f"numpy's type {code!r}")
    return DTypeRecord(code)


def _scalar(dtype: object, content: object) -> np.generic:
    (value,) = _numbers(dtype, content)
    return value


def _array(kind: object, _shape: object, _code: object) -> ArrayRecord:
    if kind != Name("numpy.ndarray"):
        raise NotPlainError("an array of a class of its own")
    return ArrayRecord()


def _method_of_history(owner: object, method: object) -> None:
    """A history brings the methods of its class along, as attributes of it by name; it has them anyway."""
    if owner != Name(HISTORY) or method not in HISTORY_METHODS:
        raise NotPlainError("builtins.getattr")


CALLS: dict[str, Callable] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": lambda: OrderedDict(),
    "collections.Counter": _plain_dict,
    "mmengine.config.config.ConfigDict": _plain_dict,
    "builtins.bytes": lambda: b"",
    "_codecs.encode": _bytes,
    "numpy.dtype": _dtype,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.multiarray._reconstruct": _array,
    "builtins.getattr": _method_of_history,
}
"""What is done where a file would call something: records are made of what it hands over."""
