"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import uuid
from os import PathLike, fspath
from pathlib import Path

import rasterio

from mmhsi.errors import DataError
from mmhsi.io.files import make_folder, put, sync, writing
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
        self.temporary = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:12]}.tmp")

    def commit(self) -> None:
        """Give the closed file its final name, or leave nothing; it outlives a power cut then.

        A sidecar never lies beside a file that it does not describe, and where nothing was it comes before the file.

        Raises:
            DataError: The file is not complete, or the operating system refuses.
        """
        try:
            with writing(self.path):
                self._check_blocks()
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

    def _check_blocks(self) -> None:
        """Check that every block of every band lies inside the file.

        GDAL writes its last blocks when a file is closed, and rasterio does not report if that fails: on a full disk
        the file would be short and nobody would know.
        """
        size = self.temporary.stat().st_size
        with local_files(), without_georeference_warning(), rasterio.open(self.temporary) as dataset:
            for band, (rows, cols) in zip(dataset.indexes, dataset.block_shapes, strict=True):
                for row in range(-(-dataset.height // rows)):
                    for col in range(-(-dataset.width // cols)):
                        offset, length = (
                            int(dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) or 0)
                            for what in ("OFFSET", "SIZE")
                        )
                        if length == 0 or offset + length > size:
                            raise DataError(f"{self.path}: cannot write all of it; is the disk full?")

    def discard(self) -> None:
        """Remove what has been written under the temporary name."""
        self.temporary.unlink(missing_ok=True)
        sidecar(self.temporary).unlink(missing_ok=True)


def sidecar(path: Path) -> Path:
    """Where GDAL looks for what the file itself cannot hold.

    Args:
        path: The raster.
    """
    return path.with_name(path.name + ".aux.xml")
