"""A server on this machine that publishes files, and misbehaves on demand."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets.download import download_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def cube(seed: int) -> bytes:
    """A cube as a file of 700,128 bytes."""
    stream = io.BytesIO()
    np.save(stream, np.random.default_rng(seed).integers(0, 9999, (50, 70, 100), dtype=np.uint16))
    return stream.getvalue()


CONTENT = cube(0)
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server holds and how it behaves; requests as (path, Range header)."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"1"'
    ranges: bool = True
    cut_after: int | None = None
    honour_if_range: bool = True
    content_type: str = "application/octet-stream"
    content_encoding: str | None = None
    stated_length: int | None = -1
    """None: none is stated, and the end of the connection is the end of the file; -1: the right one."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    base: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def do_GET(self) -> None:
        state = self.state
        asked = self.headers.get("Range")
        state.requests.append((self.path, asked))
        body = state.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        begin = 0
        same = self.headers.get("If-Range") in (None, state.etag) or not state.honour_if_range
        if asked and state.ranges and same:
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if state.etag:
            self.send_header("ETag", state.etag)
        self.send_header("Content-Type", state.content_type)
        if state.content_encoding:
            self.send_header("Content-Encoding", state.content_encoding)
        if state.stated_length is not None:
            self.send_header(
                "Content-Length", str(len(body) - begin if state.stated_length < 0 else state.stated_length)
            )
        self.end_headers()
        end = len(body) if state.cut_after is None else begin + state.cut_after
        self.wfile.write(body[begin:end])
        self.close_connection = state.cut_after is not None or state.stated_length != -1

    def log_message(self, *_: object) -> None:
        pass


class _HTTPServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone away, as one that is not satisfied does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs."""
    state = Server()
    http = _HTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.base = f"http://127.0.0.1:{http.server_port}"
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def fetch(root: Path, **options: object) -> tuple[list[Path], list[str]]:
    """Fetch the data set ``toy``: files and what was reported."""
    lines: list[str] = []
    return download_dataset("toy", root, report=lines.append, **options), lines


def left_in(root: Path) -> list[str]:
    """Files below a folder."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
