"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import glob
import uuid
from os import PathLike, fspath
from pathlib import Path

import rasterio

from mmhsi.errors import DataError
from mmhsi.io.files import make_folder, put, remove_begun, sync, writing
from mmhsi.io.gdal import local_files
from mmhsi.io.readers.raster import without_georeference_warning


class PendingFile:
    """A GeoTIFF in the making, under a temporary name in the folder of its final one.

    GDAL keeps what a GeoTIFF cannot hold in a sidecar ``NAME.aux.xml``; it goes with the file. A sidecar left by an
    earlier file of the same name would describe the wrong data and is removed.

    Args:
        path: The final name. Its folder is created.

    Raises:
        DataError: The folder cannot be created, or the name is a folder's.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(fspath(path))
        with writing(self.path):
            if self.path.is_dir():
                raise IsADirectoryError("it is a folder; expected a file name")
            make_folder(self.path.parent)
        self.mark = uuid.uuid4().hex[:12]
        self.temporary = self.path.with_name(f".{self.path.name}.{self.mark}.tmp")

    def commit(self) -> None:
        """Give the closed file its final name, or leave nothing; it outlives a power cut then.

        A sidecar never lies beside a file that it does not describe, and where nothing was it comes before the file.

        Raises:
            DataError: The file is not complete, or the operating system refuses.
        """
        try:
            with writing(self.path):
                check_blocks(self.temporary, self.path)
                old, beside = self.path.exists(), sidecar(self.path)
                if beside.exists():
                    beside.unlink()
                    sync(beside.parent)
                pairs = [(self.temporary, self.path)]
                if sidecar(self.temporary).exists():
                    pairs.insert(1 if old else 0, (sidecar(self.temporary), beside))
                for file, name in pairs:
                    put(file, name)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what has been written under the temporary name, or one that begins with it."""
        remove_begun(self.path.parent, glob.escape(self.path.name), self.mark)


def sidecar(path: Path) -> Path:
    """Where GDAL looks for what the file itself cannot hold.

    Args:
        path: The raster.
    """
    return path.with_name(path.name + ".aux.xml")


def check_blocks(file: Path, name: Path) -> None:
    """Check that every block of every band, and of every overview, lies inside a GeoTIFF.

    GDAL writes its last blocks when a file is closed, and rasterio does not report if that fails: on a full disk the
    file would be short and nobody would know.

    Args:
        file: The closed file.
        name: What it will be called, for the message.

    Raises:
        DataError: A block is missing.
    """
    size = file.stat().st_size
    with local_files(), without_georeference_warning():
        with rasterio.open(file) as dataset:
            levels = [dict[str, int](), *(dict(overview_level=n) for n in range(len(dataset.overviews(1))))]
        for level in levels:
            with rasterio.open(file, **level) as dataset:
                for band, (rows, cols) in zip(dataset.indexes, dataset.block_shapes, strict=True):
                    for row in range(-(-dataset.height // rows)):
                        for col in range(-(-dataset.width // cols)):
                            offset, length = (
                                int(dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) or 0)
                                for what in ("OFFSET", "SIZE")
                            )
                            if length == 0 or offset + length > size:
                                raise DataError(f"{name}: cannot write all of it; is the disk full?")
