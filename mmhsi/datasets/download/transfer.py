"""One file over HTTP, resumed where it broke off."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from mmhsi.version import __version__

from .errors import DownloadError, storing

CHUNK = 1 << 18
Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and of how many (None where the server does not say)."""


@dataclass(frozen=True)
class RemoteState:
    """What a server says about a file, to notice that it changed between two attempts.

    Attributes:
        url: Address.
        total: Size in bytes, None where the server does not say.
        etag: The server's tag of this version.
        last_modified: Its date.
    """

    url: str
    total: int | None = None
    etag: str | None = None
    last_modified: str | None = None

    def differs(self, other: RemoteState) -> bool:
        """Whether anything that both know is not the same.

        Args:
            other: Another answer of a server.
        """
        return any(
            mine is not None and yours is not None and mine != yours
            for mine, yours in zip(asdict(self).values(), asdict(other).values(), strict=True)
        )

    @property
    def validator(self) -> str | None:
        """What ``If-Range`` takes: a strong tag, else the date."""
        strong = self.etag is not None and not self.etag.startswith("W/")
        return self.etag if strong else self.last_modified


class Partial:
    """The beginning of a file under the name ``FILE.part``, and beside it what the server said about the whole.

    Args:
        target: Final name of the file.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._state = target.with_name(f"{target.name}.part.json")

    def state(self, url: str) -> RemoteState | None:
        """What is known of the file that was begun; None if nothing was, or from elsewhere.

        Args:
            url: Where the file would be fetched from now.
        """
        try:
            state = RemoteState(**json.loads(self._state.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return state if state.url == url and self.path.is_file() else None

    def remember(self, state: RemoteState) -> None:
        """Keep what the server says.

        Args:
            state: What the server said of the file.
        """
        self._state.write_text(json.dumps(asdict(state)))

    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def discard(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def commit(self, target: Path) -> None:
        """Give the file its final name.

        Args:
            target: The final name.
        """
        os.replace(self.path, target)
        self._state.unlink(missing_ok=True)


def transfer(url: str, target: Path, progress: Progress | None = None, timeout: float = 30.0) -> Partial:
    """Fetch a file as far as ``FILE.part``, going on where an earlier attempt broke off.

    Args:
        url: Address, http or https.
        target: Final name; its folder is created.
        progress: Called after every chunk.
        timeout: Seconds without any data after which the attempt fails.

    Returns:
        The whole file, not verified and not under its final name yet.

    Raises:
        DownloadError: The server cannot be reached or refuses, the connection breaks off, or the disk is full.
    """
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url}: not an http or https address")
    partial = Partial(target)
    with storing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    known = partial.state(url)
    have = partial.size() if known is not None else 0
    if known is not None and known.total is not None and have == known.total:
        return partial
    # A server that has another version, or does not know ranges, answers with the whole file.
    if known is None or have == 0 or not _fetch(url, partial, known, have, progress, timeout):
        with storing(target):
            partial.discard()
        if not _fetch(url, partial, None, 0, progress, timeout):
            raise DownloadError(
                f"{url}: the server sends a part where the whole file was asked for; use another mirror"
            )
    return partial


def _fetch(
    url: str, partial: Partial, known: RemoteState | None, have: int, progress: Progress | None, timeout: float
) -> bool:
    """Fetch what is missing; False if the file has to be begun anew."""
    headers = {"User-Agent": f"mmhsi/{__version__}", "Accept-Encoding": "identity"}
    if known is not None:
        headers["Range"] = f"bytes={have}-"
        if known.validator is not None:
            headers["If-Range"] = known.validator
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code == 416 and known is not None:
            return False
        raise DownloadError(_refusal(url, exc.code, exc.reason)) from exc
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise DownloadError(_unreachable(url, exc, timeout)) from exc
    with response:
        partly = response.status == 206
        state = _describe(url, response)
        if partly and (known is None or known.differs(state) or _first_byte(response) != have):
            return False
        if response.headers.get_content_type() == "text/html" and not url.endswith((".html", ".htm")):
            raise DownloadError(f"{url}: the server sends a web page instead of the file; fetch it with a browser")
        begin = have if partly else 0
        if state.total is not None:
            _check_space(partial.path, state.total - begin)
        with storing(partial.path):
            partial.remember(state)
            file = partial.path.open("ab" if partly else "wb")
        with file:
            count = _copy(response, file, partial.path, begin, state.total, progress, timeout)
    if state.total is not None and count != state.total:
        raise DownloadError(
            f"{url}: the connection broke off after {count} of {state.total} bytes; the same command goes on from there"
        )
    return True


def _copy(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    path: Path,
    count: int,
    total: int | None,
    progress: Progress | None,
    timeout: float,
) -> int:
    """Write what arrives; the number of bytes that are then there."""
    while True:
        try:
            chunk = response.read(CHUNK)
        except TimeoutError as exc:
            raise DownloadError(
                f"{response.url}: no data for {timeout:g} s after {count} bytes; the same command goes on from there"
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise DownloadError(
                f"{response.url}: the connection broke off after {count} bytes; the same command goes on from there"
            ) from exc
        if not chunk:
            break
        with storing(path):
            file.write(chunk)
        count += len(chunk)
        if progress is not None:
            progress(count, total)
    with storing(path):
        file.flush()
        os.fsync(file.fileno())
    return count


def _describe(url: str, response: http.client.HTTPResponse) -> RemoteState:
    """What the server says about the whole file."""
    length = response.headers.get("Content-Length")
    total = int(length) if length is not None and length.isdecimal() else None
    if response.status == 206:
        stated = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
        total = int(stated[1]) if stated else None
    return RemoteState(url, total, response.headers.get("ETag"), response.headers.get("Last-Modified"))


def _first_byte(response: http.client.HTTPResponse) -> int | None:
    """Where a partial answer begins."""
    stated = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(stated[1]) if stated else None


def _check_space(path: Path, needed: int) -> None:
    """Refuse before the disk is full."""
    with storing(path):
        free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DownloadError(f"{path}: the disk is full, {needed} bytes are needed and {free} are free")


def _refusal(url: str, code: int, reason: str) -> str:
    """One line for an HTTP status."""
    if code in (404, 410):
        return f"{url}: no such file on the server ({code}); it may have moved, see the homepage or give --url-base"
    if code in (401, 403):
        return f"{url}: the server refuses it ({code} {reason}); it may need an account, fetch it by hand"
    return f"{url}: the server answers {code} {reason}; try again later"


def _unreachable(url: str, exc: Exception, timeout: float) -> str:
    """One line for a server that does not answer."""
    reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
    if isinstance(reason, TimeoutError):
        return f"{url}: no answer within {timeout:g} s; check the network or give --url-base of a mirror"
    said = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return f"{url}: cannot be reached ({said}); check the network or give --url-base of a mirror"
