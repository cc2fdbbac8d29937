"""Data sets and attributes of HDF5 products."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import FileFormatError
from mmhsi.io.files import reading
from mmhsi.io.readers.hdf5 import Hdf5Reader
from mmhsi.io.readers.hdf5_attributes import Declared
from mmhsi.io.readers.hdf5_content import text_of
from mmhsi.io.readers.hdf5_opening import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    import h5py
    from numpy.typing import NDArray


class DataSet(Hdf5Reader):
    """A data set whose axes, scale and missing values the product's description knows; what the file says is left.

    Args:
        path: The file.
        key: The data set, with its groups.
        axes: Such as ``"y x band"``, in the order of its shape; of a layer ``"y x"``.
    """

    def __init__(self, path: str | PathLike[str], key: str, axes: str = "y x band") -> None:
        super().__init__(path, key, 3 if len(axes.split()) == 3 else 2, axes)

    def _says(self) -> Declared:
        return Declared()


class Content:
    """An open HDF5 file of which single values are asked.

    Args:
        path: The file.
        title: Name of the product, for messages.
    """

    def __init__(self, path: str | PathLike[str], title: str) -> None:
        self.path = path
        self.title = title
        self.file = open_hdf5(path)

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def has(self, name: str) -> bool:
        """Whether there is such a group or data set.

        Args:
            name: With its groups.
        """
        return name in self.file

    def names(self, group: str) -> Iterator[str]:
        """Names in a group; none where there is no such group.

        Args:
            group: With the groups that it is in.
        """
        yield from self.file.get(group, ())

    def attribute(self, name: str, of: str = "/") -> object:
        """An attribute.

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.

        Raises:
            FileFormatError: It is missing.
        """
        with reading(self.path, f"{self.title}: {of} cannot be read"):
            found = self.file[of].attrs.get(name)
        if found is None:
            raise FileFormatError(f"{self.path}: {self.title}: the attribute {name} of {of} is missing")
        return found

    def maybe(self, name: str, of: str = "/") -> NDArray | None:
        """An attribute of numbers, or None where there is none; shape as stored.

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.
        """
        with reading(self.path, f"{self.title}: {of} cannot be read"):
            found = self.file[of].attrs.get(name) if of in self.file else None
        return None if found is None else np.asarray(found)

    def maybe_number(self, name: str, of: str = "/") -> float | None:
        """An attribute that is one number, or None where there is none.

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.
        """
        return None if self.maybe(name, of) is None else self.number(name, of)

    def number(self, name: str, of: str = "/") -> float:
        """An attribute that is one number.

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.
        """
        return float(self._numbers(self.attribute(name, of), name).ravel()[0])

    def numbers(self, name: str, of: str = "/") -> NDArray[np.float64]:
        """An attribute that is a list of numbers, shape (n,).

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.
        """
        return self._numbers(self.attribute(name, of), name).ravel()

    def text(self, name: str, of: str = "/") -> str:
        """An attribute that is text.

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.
        """
        return text_of(self.attribute(name, of)).strip("\0 ")

    def maybe_text(self, name: str, of: str = "/") -> str | None:
        """An attribute that is text, or None where there is none.

        Args:
            name: Of the attribute.
            of: Group or data set that has it. Default: the file.
        """
        return None if self.maybe(name, of) is None else self.text(name, of)

    def values(self, name: str) -> NDArray[np.float64]:
        """A data set of numbers, shape (n,).

        Args:
            name: With its groups.

        Raises:
            FileFormatError: It is missing or cannot be read.
        """
        with self._data_set(name) as data:
            if data.size > 1 << 16:
                raise FileFormatError(f"{self.path}: {self.title}: {name} has {data.size} values; expected one a band")
            return np.asarray(data[()], dtype=np.float64).ravel()

    def word(self, name: str) -> str:
        """A data set that is text.

        Args:
            name: With its groups.

        Raises:
            FileFormatError: It is missing or cannot be read.
        """
        with self._data_set(name) as data:
            return text_of(data[()])

    @contextmanager
    def _data_set(self, name: str) -> Iterator[h5py.Dataset]:
        if name not in self.file:
            raise FileFormatError(f"{self.path}: {self.title}: the data set {name} is missing")
        with reading(self.path, f"{self.title}: {name} cannot be read"):
            yield self.file[name]

    def _numbers(self, value: object, name: str) -> NDArray[np.float64]:
        try:
            return np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise FileFormatError(f"{self.path}: {self.title}: the attribute {name} holds no numbers") from error
