"""Settings of GDAL that hold while it reads and writes for mmhsi, and no longer."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from rasterio._env import del_gdal_config
from rasterio.env import get_gdal_config, set_gdal_config

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = 128 << 20
"""Bytes of decoded blocks. GDAL would otherwise take 5 % of the machine's memory, in every worker process."""

NO_SERVERS = {
    # Files are local: what a raster names must not make GDAL wait for a network or for the keyboard. Nobody listens at
    # that address, whichever of GDAL's drivers would ask.
    "GDAL_HTTP_PROXY": "127.0.0.1:1",
    "GDAL_HTTPS_PROXY": "127.0.0.1:1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",  # where the environment's no_proxy lets it pass all the same
    "GDAL_HTTP_TIMEOUT": "1",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
    "CPL_VSISTDIN_FILE": os.devnull,
    "GDAL_VRT_ENABLE_PYTHON": "NO",
}
"""Options that keep GDAL from asking a server or standard input, and from running code that a raster names."""

WHOLE_IMAGES = {"GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO"}
"""Options without which GDAL reads of an image that was cut whatever stood in memory, without a word."""

_NEEDED: dict[int, int] = {}
"""Bytes of cache that readers of whole rows need, by reader."""

_ASKED: ContextVar[str | None] = ContextVar("file on a server that may be asked for", default=None)


def _one_file(name: str) -> dict[str, str]:
    """Options that let GDAL ask for one file, and for nothing that might lie beside it."""
    return {
        "CPL_VSIL_CURL_ALLOWED_FILENAME": name,
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_HTTP_MAX_RETRY": "2",
        "GDAL_HTTP_CONNECTTIMEOUT": "10",
        "GDAL_HTTP_LOW_SPEED_TIME": "30",  # a server that stops sending is not waited for
        "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
        "CPL_VSISTDIN_FILE": os.devnull,
    }


def need_cache(reader: int, count: int) -> None:
    """Let :func:`local_files` keep a larger cache, at most GDAL's own, while a reader needs it.

    A tile of a compressed file that leaves the cache between two bands of rows is unpacked anew for each of them.

    Args:
        reader: Its identity.
        count: Bytes; 0 when it no longer does.
    """
    if count > CACHE:
        _NEEDED[reader] = count
    else:
        _NEEDED.pop(reader, None)


@contextmanager
def asking(name: str) -> Iterator[None]:
    """Within the block :func:`local_files` lets GDAL ask for one file on a server.

    Args:
        name: As GDAL names it, such as ``/vsicurl/https://…``.
    """
    token = _ASKED.set(name)
    try:
        yield
    finally:
        _ASKED.reset(token)


def asked_for() -> bool:
    """Whether a file on a server may be asked for (:func:`asking`)."""
    return _ASKED.get() is not None


@contextmanager
def bounded_cache() -> Iterator[None]:
    """Within the block GDAL keeps a small cache; afterwards it may keep as much as before.

    The cache is :data:`CACHE`, or what :func:`need_cache` was told. An own ``GDAL_CACHEMAX`` in the environment is
    kept, and so is a smaller cache.
    """
    cache = int(get_gdal_config("GDAL_CACHEMAX"))
    if "GDAL_CACHEMAX" not in os.environ:
        set_gdal_config("GDAL_CACHEMAX", min(cache, max(CACHE, *_NEEDED.values(), 0)))
    try:
        yield
    finally:
        set_gdal_config("GDAL_CACHEMAX", cache)


@contextmanager
def local_files() -> Iterator[None]:
    """Within the block GDAL asks no server and keeps a small cache; afterwards its settings are what they were.

    Within :func:`asking` it may ask for that one file. Also a decorator. ``rasterio.Env``, which does the like, takes
    as long as reading a small window does, and forgets to give a larger cache back.
    """
    asked = _ASKED.get()
    settings = {**(NO_SERVERS if asked is None else _one_file(asked)), **WHOLE_IMAGES}
    before = {name: get_gdal_config(name, normalize=False) for name in settings}
    for name, value in settings.items():
        set_gdal_config(name, value)
    try:
        with bounded_cache():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del_gdal_config(name)
            else:
                set_gdal_config(name, value, normalize=False)
