"""GeoTIFFs on servers, opened where the user allows it, and assets of STAC items."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.io.files import reading
from mmhsi.io.gdal import asking, local_files
from mmhsi.io.json_file import read_json
from mmhsi.io.readers.base import CubeReader
from mmhsi.io.readers.open_raster import OpenRaster, open_raster
from mmhsi.io.readers.raster import RasterReader, without_georeference_warning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.cube import CubeInfo
    from mmhsi.io.selection import Window

ALLOW = "MMHSI_ALLOW_NETWORK"
"""Environment variable that says 1 where servers may be asked."""

_REMOTE = re.compile(r"(https?://|s3://|/vsi(curl|s3)/).", re.IGNORECASE)


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of something on a server: ``https://…``, ``s3://…``, ``/vsis3/…``, ``/vsicurl/…``.

    Args:
        path: What a person gave.
    """
    return _REMOTE.match(os.fspath(path)) is not None


def asset_of(path: str | os.PathLike[str]) -> str:
    """The file that an asset of a STAC item names, or what was given.

    Args:
        path: ``item.json#asset``, an item on this machine; or any other name.

    Returns:
        A path or the name of something on a server.

    Raises:
        FileFormatError: The file is no STAC item, or has no such asset.
    """
    name, mark, asset = os.fspath(path).rpartition("#")
    if not mark or not name.lower().endswith(".json") or is_remote(name):
        return os.fspath(path)
    file, item = Path(name), cast("Any", read_json(name, "a STAC item"))
    with reading(file, "is no STAC item"):
        assets = item["assets"]
        found = assets[asset]["href"] if asset in assets else None
    if not isinstance(found, str):
        raise FileFormatError(f"{file}: has no asset {asset!r}, but {', '.join(map(str, assets)) or 'none'}")
    return place_of(found, file.parent)


def place_of(name: str, folder: Path) -> str:
    """Where the file of a list or the asset of an item lies.

    Args:
        name: A path, one from the folder, an address of this machine (``file://…``) or of a server. Bytes written as
            ``%20`` are what they stand for in an address, and in a path if that alone leads to a file.
        folder: Of the list or item.

    Returns:
        A path or the name of something on a server.
    """
    if name.lower().startswith("file://"):
        return url2pathname(urlsplit(name).path)
    if is_remote(name) or "://" in name:
        return name
    path, decoded = folder / name, unquote(name)
    if decoded == name or os.path.lexists(path) or not os.path.lexists(folder / decoded):
        return str(path)
    return str(folder / decoded)


class RemoteReader(RasterReader):
    """A GeoTIFF on a server. GDAL asks for the parts that a window needs, and for no other file than this.

    Args:
        path: ``https://…``, ``http://…``, ``s3://…``, ``/vsis3/…`` or ``/vsicurl/…``.
        page: As of :class:`RasterReader`.

    Raises:
        ConfigError: The user has not allowed it.
        FileFormatError: The server does not give it, or it is no GeoTIFF.
    """

    def __init__(self, path: str, page: str | None = None) -> None:
        if os.environ.get(ALLOW) != "1":
            raise ConfigError(f"{path}: lies on a server, which is not asked unless {ALLOW}=1 or --network says so")
        CubeReader.__init__(self, path)
        name = re.sub(r"^s3://", "/vsis3/", path, flags=re.IGNORECASE)
        self._remote = name if name.startswith("/vsi") else f"/vsicurl/{name}"
        self._data_file, self._page, self._missing = Path(self._remote), page, None
        self.handle()

    def handle(self) -> OpenRaster:
        """The open file of this process."""
        if self._pid != os.getpid():
            self._handle = None
        if self._handle is None:
            self._handle = self._open()
            self._pid = os.getpid()
        return self._handle

    def _open(self) -> OpenRaster:
        problem = "the server does not give it, or not in parts, or it is no GeoTIFF"
        with asking(self._remote), local_files(), reading(self.path, problem), without_georeference_warning():
            name = self._remote if self._page is None else f"GTIFF_DIR:{self._page}:{self._remote}"
            dataset = open_raster(name, "GTiff")
            try:
                self._check(dataset)
            except BaseException:
                dataset.close()
                raise
        return dataset

    @property
    def files(self) -> list[Path]:
        """None of this machine's."""
        return []

    def _describe(self) -> CubeInfo:
        with asking(self._remote):
            return super()._describe()

    def _read_view(self, window: Window, bands: list[int] | None) -> NDArray:
        with asking(self._remote):
            return super()._read_view(window, bands)

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray | None:
        with asking(self._remote):
            return super()._read_mask(window, bands, data)
