"""Commands bound GDAL's cache of blocks in themselves and in what they start; the library leaves it alone."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ASK = "from rasterio.env import get_gdal_config; print(get_gdal_config('GDAL_CACHEMAX'))"


def cache(code: str, environment: dict[str, str]) -> float:
    """Bytes of the cache in a fresh process that has read a file."""
    write = (
        "import numpy as np, tempfile, os; from mmhsi.io import HSICube, write_cube, read_cube; "
        "path = os.path.join(tempfile.mkdtemp(), 'a.tif'); write_cube(path, HSICube(np.zeros((9, 9, 2)))); "
        "read_cube(path); "
    )
    done = subprocess.run(
        [sys.executable, "-c", code + write + ASK], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def test_commands_bound_it_and_the_library_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GDAL_CACHEMAX", raising=False)
    bound = "from mmhsi.cli.memory import bound_block_cache; bound_block_cache(); "
    assert cache(bound, dict(os.environ)) == 128 << 20
    assert cache(bound, dict(os.environ, GDAL_CACHEMAX="64")) == 64 << 20
    assert cache("", dict(os.environ)) != 128 << 20
