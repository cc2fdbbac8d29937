"""The README's commands in their order, on the real Salinas-A, in a folder that holds only what its download brings."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import scipy.io
from affine import Affine
from doc_blocks import ROOT, blocks_of, commands
from download_server import serving
from mmengine.config import Config
from processes import run_command
from rasterio.crs import CRS

from mmhsi.io import HSICube, read_cube, write_cube
from mmhsi.io.vector_writer import write_areas

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("SalinasA_corrected.mat", "SalinasA_gt.mat")
PLACE = dict(crs=CRS.from_epsg(32610), transform=Affine(3.7, 0, 650000, 0, -3.7, 4050000))


def run(folder: Path, *words: object) -> str:
    """A command in the folder, with nothing of this machine's data in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MMHSI_")}
    environment |= dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    done = run_command([sys.executable, *map(str, words)], cwd=folder, env=environment)
    assert done.returncode == 0, (words, done.stderr[-2000:])
    return done.stdout


@pytest.fixture
def clone(tmp_path, shared_data):
    """A clone, in which the files were downloaded."""
    for name in ("tools", "configs"):
        (tmp_path / name).symlink_to(ROOT / name)
    with serving() as server:
        server.files = {f"/salinas_a/{name}": (shared_data / "salinas_a" / name).read_bytes() for name in FILES}
        run(tmp_path, "tools/download_dataset.py", "salinas_a", "--url-base", server.base)
    assert sorted(path.name for path in tmp_path.rglob("*.mat")) == sorted(FILES)
    return tmp_path


def write_users_files(folder: Path) -> None:
    """The cube.hdr and fields.gpkg of somebody who has them: Salinas-A in a place, its labels as polygons."""
    cube = read_cube(folder / "data/salinas_a" / FILES[0])
    write_cube(folder / "cube.tif", HSICube(cube.data, **PLACE))
    with rasterio.open(folder / "cube.tif") as source:
        profile = dict(source.profile, driver="ENVI", interleave="bil")
        for name in ("tiled", "blockxsize", "blockysize", "compress", "photometric"):
            profile.pop(name, None)
        with rasterio.open(folder / "cube.img", "w", **profile) as out:
            out.write(source.read())
    labels = scipy.io.loadmat(folder / "data/salinas_a" / FILES[1])["salinasA_gt"]
    ids = [int(label) for label in np.unique(labels) if label]
    classes = np.full(labels.shape, 255, np.uint8)
    for index, label in enumerate(ids):
        classes[labels == label] = index
    write_areas(folder / "fields.gpkg", classes, [f"crop {label}" for label in ids], ids, **PLACE, smallest=1)


def shortened(words: list[str]) -> list[str]:
    """One epoch in place of all, whose checkpoint has the name of the last; a minute for everything."""
    if words[0] == "mmhsi":
        words = ["-m", *words]
    if "classify" in words:
        return [*words, "--minutes", "0.2", "--models", "lda-on-spectra"]
    if "tools/train.py" not in words:
        return words
    last = Config.fromfile(ROOT / words[words.index("tools/train.py") + 1]).train_cfg.max_epochs
    name = f"default_hooks.checkpoint.filename_tmpl=epoch_{last}.pth"
    return [*words, "--cfg-options", "train_cfg.max_epochs=1", name]


@pytest.mark.slow
def test_every_command_of_the_readme_on_downloaded_files_alone(clone):
    write_users_files(clone)
    ran = []
    for block in blocks_of(ROOT / "README.md"):
        if block.language != "shell" or block.reason:
            continue
        for words in commands(block.code):
            assert words[0] in ("python", "mmhsi"), words
            run(clone, *shortened(words[1:] if words[0] == "python" else words))
            ran.append(words)
    assert len(ran) >= 5
    names = " ".join(" ".join(words) for words in ran)
    assert re.search(r"classify .*train\.py .*train\.py .*test\.py .*predict\.py", names)
    labels = scipy.io.loadmat(clone / "data/salinas_a" / FILES[1])["salinasA_gt"]
    report = json.loads((clone / "report.json").read_text())
    assert np.sum(report["confusion"]) == (labels > 0).sum() - 6 * 20  # no pixel of the training is tested
    with rasterio.open(clone / "map.tif") as written:
        assert written.shape == labels.shape
        assert set(np.unique(written.read(1))) <= set(np.unique(labels))
    assert (clone / "map.png").stat().st_size > 1000
