"""One file over HTTP, resumed where it broke off.

Own code, because pooch and ``torch.hub`` begin anew where a connection broke off, which files of gigabytes cannot
afford, and huggingface_hub goes on with files of its own hub alone.
"""

from __future__ import annotations

import glob
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from mmhsi.errors import DataError
from mmhsi.io.files import make_folder, remove_begun
from mmhsi.io.json_file import read_state, write_state
from mmhsi.version import __version__

from .errors import DownloadError, storing

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 18
AGAIN = "the same command goes on from there"
REFUSALS = {
    (404, 410): "no such file on the server ({}); it may have moved, see the homepage or give --url-base",
    (401, 403): "the server refuses it ({}); it may need an account, fetch it by hand",
}
SYNC_EVERY = 64 << 20
"""Bytes after which what was fetched is made to survive a power cut."""
Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and of how many (None where the server does not say)."""


class RemoteState(NamedTuple):
    """What a server says about a file, to notice that it changed between two attempts; None where it does not say.

    ``stored`` is how many bytes of it are on this machine's disk for certain.
    """

    url: str
    total: int | None
    etag: str | None
    last_modified: str | None
    stored: int = 0

    def agrees(self, other: RemoteState) -> bool:
        """Whether all that both know of the server's file is the same."""
        return all(None in pair or pair[0] == pair[1] for pair in zip(self[:4], other[:4], strict=True))


def transfer(url: str, path: Path, largest: int, progress: Progress | None = None, timeout: float = 30.0) -> None:
    """Fetch a file of at most so many bytes, going on where an earlier attempt broke off; ``PATH.json`` remembers it.

    Where the server does not say how long the file is, or says less than it is, its end may be missing: whoever uses
    the file has to compare it with something. ``timeout`` is in seconds without any data.
    """
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url}: not an http or https address")
    known = _known(path, url)
    if known is not None and known.total == known.stored:
        return
    # A server that has another version, or does not know ranges, answers with the whole file.
    if not (known and _fetch(url, path, known, largest, progress, timeout)) and not _fetch(
        url, path, None, largest, progress, timeout
    ):
        raise DownloadError(f"{url}: the server sends a part where the whole file was asked for; use another mirror")


def discard(path: Path) -> None:
    """Forget what was fetched."""
    path.unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)
    remove_begun(path.parent, glob.escape(_note(path).name))


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _known(path: Path, url: str) -> RemoteState | None:
    """What the server said about the file that was begun; None if nothing was, or from elsewhere."""
    try:
        state = RemoteState(**read_state(_note(path), "a note of a download"))
    except (DataError, TypeError):
        return None
    begun = state.url == url and path.is_file() and 0 < state.stored <= path.stat().st_size
    return state if begun else None


def _fetch(
    url: str, path: Path, known: RemoteState | None, largest: int, progress: Progress | None, timeout: float
) -> bool:
    """Fetch what is missing, all if nothing is known; False if the file has to be begun anew."""
    count = known.stored if known else 0
    response = _ask(url, count, known, timeout)
    if response is None:
        return False
    with response:
        state, begin = _describe(url, response)
        if response.status == 206 and not (known and known.agrees(state) and begin == count):
            return False
        _refuse(url, response, state, largest)
        count, too_large = begin, False
        with storing(path):
            make_folder(path.parent)
            free = shutil.disk_usage(path.parent).free
            if state.total is not None and state.total - count > free:
                raise DownloadError(
                    f"{path}: the disk is full, {state.total - count} bytes are needed and {free} are free"
                )
            with path.open("r+b" if count else "wb") as file:
                file.truncate(count)  # beyond it nobody knows what a power cut left
                file.seek(count)
                stored = count
                try:
                    for chunk in _chunks(url, response, timeout):
                        if count + len(chunk) > largest:
                            too_large = True
                            break
                        file.write(chunk)
                        count += len(chunk)
                        if progress is not None:
                            progress(count, state.total)
                        if count - stored > SYNC_EVERY:
                            stored = _store(file, path, state, count)
                finally:
                    _store(file, path, state, count)
    if too_large:
        discard(path)
        raise DownloadError(f"{url}: has more than {largest} bytes; it was not kept")
    if state.total is not None and count != state.total:
        raise DownloadError(f"{url}: the connection broke off after {count} of {state.total} bytes; {AGAIN}")
    return True


def _store(file: BinaryIO, path: Path, state: RemoteState, count: int) -> int:
    """Bring all bytes to the disk, and say so in the note."""
    file.flush()
    os.fsync(file.fileno())
    write_state(_note(path), state._replace(stored=count)._asdict())
    return count


def _ask(url: str, have: int, known: RemoteState | None, timeout: float) -> http.client.HTTPResponse | None:
    """The server's answer; None if it has no such part of the file."""
    headers = {"User-Agent": f"mmhsi/{__version__}", "Accept-Encoding": "identity"}
    if known is not None:
        headers["Range"] = f"bytes={have}-"
        strong = known.etag if known.etag and not known.etag.startswith("W/") else None
        if validator := strong or known.last_modified:
            headers["If-Range"] = validator
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310, schemes are checked where entries are made
        return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code == 416 and known is not None:
            return None
        said = f"{exc.code} {exc.reason}"
        refusals = (text for codes, text in REFUSALS.items() if exc.code in codes)
        raise DownloadError(f"{url}: {next(refusals, 'the server answers {}; try again later').format(said)}") from exc
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        what = f"no answer within {timeout:g} s"
        if not isinstance(reason, TimeoutError):
            what = f"cannot be reached ({getattr(reason, 'strerror', None) or reason})"
        raise DownloadError(f"{url}: {what}; check the network or give --url-base of a mirror") from exc


def _describe(url: str, response: http.client.HTTPResponse) -> tuple[RemoteState, int]:
    """What the server says about the whole file, and where its answer begins."""
    headers = response.headers
    begin, total = "0", headers.get("Content-Length", "")
    if response.status == 206:
        stated = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        begin, total = stated.groups() if stated else ("-1", "")
    size = int(total) if total.isdecimal() else None
    return RemoteState(url, size, headers.get("ETag"), headers.get("Last-Modified")), int(begin)


def _refuse(url: str, response: http.client.HTTPResponse, state: RemoteState, largest: int) -> None:
    """Refuse what cannot be the file."""
    if response.headers.get_content_type() == "text/html" and not url.endswith((".html", ".htm")):
        raise DownloadError(f"{url}: the server sends a web page instead of the file; fetch it with a browser")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise DownloadError(f"{url}: the server sends it as {encoding}, which nobody asked for; use another mirror")
    if state.total is not None and state.total > largest:
        raise DownloadError(f"{url}: has {state.total} bytes, more than {largest}; it was not fetched")


def _chunks(url: str, response: http.client.HTTPResponse, timeout: float) -> Iterator[bytes]:
    """What arrives."""
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as exc:
        what = f"no data for {timeout:g} s" if isinstance(exc, TimeoutError) else "the connection broke off"
        raise DownloadError(f"{url}: {what}; {AGAIN}") from exc
