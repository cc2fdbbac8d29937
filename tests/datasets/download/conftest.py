"""A server, and a data set on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from download_server import CONTENT, Server, serving

from mmhsi.datasets.catalogue import CATALOGUE, RemoteFile, SceneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def publish(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RemoteFile]:
    """Enter a data set of one file into the catalogue, under the name ``toy``."""

    def enter(
        body: bytes = CONTENT, name: str = "toy/cube.npy", image: str | None = None, **facts: object
    ) -> RemoteFile:
        path = f"/published/{Path(name).name}"
        server.files[path] = body
        file = RemoteFile(name, server.base + path, **facts)
        monkeypatch.setitem(CATALOGUE, "toy", SceneInfo(title="Toy", image=image or name, files=(file,)))
        return file

    return enter
