"""Checkpoints as torch writes them, a zip archive of a pickle and of records with the values of tensors."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .pickled import read_pickle
from .stand_ins import STORED, NotPlainError, StorageRecord, TensorRecord

if TYPE_CHECKING:
    from os import PathLike

RECORDS = re.compile(
    r"(?P<root>[^/]+)/(?P<name>data\.pkl|data/\d+|byteorder|version|\.format_version|\.storage_alignment"
    r"|\.data/serialization_id)"
)
"""Names that torch.save gives."""
DTYPES: dict[str, torch.dtype] = {
    f"torch.{kind}Storage": dtype
    for kind, dtype in zip(
        (*STORED, "ComplexFloat", "ComplexDouble"),
        (
            *(torch.float32, torch.float64, torch.float16, torch.bfloat16),
            *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
            *(torch.complex64, torch.complex128),
        ),
        strict=True,
    )
}
BLOCK = 1 << 20


class Archive:
    """A checkpoint's records, each compared with the sum that was written beside it, which torch does not.

    Raises:
        ValueError: If bytes have changed, or it is not laid out as torch does.
        zipfile.BadZipFile: If the file is cut off, or no zip archive.
    """

    def __init__(self, path: str | PathLike[str], device: torch.device) -> None:
        self.device = device
        self.records: dict[str, Tensor] = {}
        self.storages: dict[str, tuple[StorageRecord, Tensor]] = {}
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            # Nothing is packed, so that no more can come out than the file is long, were two records not one place.
            if sum(member.file_size for member in members) > Path(path).stat().st_size:
                raise ValueError("its records claim more bytes than the file has")
            for name, member in _names(members).items():
                self.records[name] = _read(archive, member)
        if self._text("byteorder", "little") != "little":
            raise ValueError("its numbers are in the byte order of another machine")

    def content(self) -> object:
        """What was saved, with its tensors."""
        if "data.pkl" not in self.records:
            raise ValueError("it holds no data.pkl")
        return read_pickle(self.records["data.pkl"].numpy().tobytes(), self.tensor)

    def tensor(self, record: TensorRecord) -> Tensor:
        """A view of a record; several tensors may share one.

        Args:
            record: Which values, and how they lie.
        """
        storage, offset, size, stride = record
        if storage.kind not in DTYPES:
            raise NotPlainError(storage.kind)
        dtype, count = DTYPES[storage.kind], math.prod(size)
        if not count:
            return torch.empty(size, dtype=dtype, device=self.device)
        last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
        if last >= storage.length or count > storage.length:
            raise ValueError(f"a tensor of shape {size} has {storage.length} values")
        values = self._storage(storage, dtype)
        return torch.empty(0, dtype=dtype, device=self.device).set_(values.untyped_storage(), offset, size, stride)

    def _storage(self, storage: StorageRecord, dtype: torch.dtype) -> Tensor:
        """The bytes of a storage, on the device."""
        if storage.key not in self.storages:
            values = self.records.get(f"data/{storage.key}")
            if values is None:
                raise ValueError(f"it holds no record data/{storage.key}")
            if storage.length * dtype.itemsize != len(values):
                raise ValueError(f"record data/{storage.key} has {len(values)} bytes, not {storage.length} values")
            self.storages[storage.key] = storage, values.to(self.device)
        known, values = self.storages[storage.key]
        if known != storage:
            raise ValueError(f"record data/{storage.key} is said to be of two kinds")
        return values

    def _text(self, name: str, default: str) -> str:
        return self.records[name].numpy().tobytes().decode() if name in self.records else default


def _names(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Members by their names below the archive's root."""
    found: dict[str, zipfile.ZipInfo] = {}
    roots = set()
    for member in members:
        match = RECORDS.fullmatch(member.filename)
        if match is None or match["name"] in found:
            raise ValueError(f"it holds {member.filename!r}{'' if match is None else ' twice'}, torch.save does not")
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(f"record {member.filename} is packed, torch packs none")
        found[match["name"]] = member
        roots.add(match["root"])
    if len(roots) != 1:
        raise ValueError(f"it holds {len(roots)} checkpoints")
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Tensor:
    """A record's bytes; zipfile compares their sum when the last has been read."""
    values = torch.empty(member.file_size, dtype=torch.uint8)
    view, place = memoryview(values.numpy().data), 0
    try:
        with archive.open(member) as file:
            while block := file.read(BLOCK):
                view[place : place + len(block)] = block
                place += len(block)
    except (zipfile.BadZipFile, EOFError):
        raise ValueError(f"record {member.filename} is damaged, its checksum differs") from None
    if place != member.file_size:
        raise ValueError(f"record {member.filename} is cut off")
    return values
