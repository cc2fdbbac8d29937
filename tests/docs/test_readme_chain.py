"""The README's commands in their order, in a folder that holds only what the download of Salinas-A brings."""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import scipy.io
from affine import Affine
from cube_files import write_envi
from doc_blocks import ROOT, blocks_of, commands
from download_server import serving
from generated_data import write_variables
from mmengine.config import Config
from rasterio.crs import CRS

from mmhsi.datasets import CATALOGUE
from mmhsi.io import HSICube, read_cube, write_cube
from mmhsi.io.vector_writer import write_areas

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("SalinasA_corrected.mat", "SalinasA_gt.mat")
PLACE = dict(crs=CRS.from_epsg(32610), transform=Affine(3.7, 0, 650000, 0, -3.7, 4050000))


def publish(folder: Path) -> None:
    """The published files where they are at hand, else others of their names, variables and sizes."""
    real = ROOT / os.environ.get("MMHSI_SHARED_DATA", "../shared/data") / "salinas_a"
    if real.is_dir():
        (folder / "salinas_a").symlink_to(real)
        return
    info = CATALOGUE["salinas_a"]
    height, width, bands = info.shape
    labels = np.random.default_rng(0).choice([*info.ignore_ids, *info.label_ids], (height, width)).astype(np.uint8)
    cube = np.arange(bands) + 40 * labels[..., None].astype(np.int16)
    write_variables(folder / info.image, {info.image_key: cube})
    write_variables(folder / info.labels, {info.labels_key: labels})


@pytest.fixture
def clone(tmp_path, monkeypatch, run_tool):
    """A clone, in which the files were downloaded, with nothing of this machine's data in its environment."""
    (tmp_path / "published").mkdir()
    publish(tmp_path / "published")
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("tools", "configs"):
        (folder / name).symlink_to(ROOT / name)
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("MMHSI_")]:
        monkeypatch.delenv(name)
    with serving() as server:
        server.files = {f"/salinas_a/{name}": (tmp_path / "published/salinas_a" / name).read_bytes() for name in FILES}
        assert run_tool("download_dataset", "salinas_a", "--url-base", server.base) == 0
    assert sorted(path.name for path in folder.rglob("*.mat")) == sorted(FILES)
    return folder


def write_users_files(folder: Path) -> None:
    """The cube.hdr and fields.gpkg of somebody who has them: the same scene in a place, its labels as polygons."""
    cube = read_cube(folder / "data/salinas_a" / FILES[0])
    write_cube(folder / "cube.tif", HSICube(cube.data, **PLACE))
    with rasterio.open(folder / "cube.tif") as source:
        profile = dict(driver="ENVI", interleave="bil", **{key: source.profile[key] for key in ("width", "height")})
        profile.update({key: source.profile[key] for key in ("count", "dtype", "crs", "transform")})
        with rasterio.open(folder / "cube.img", "w", **profile) as out:
            out.write(source.read())
    (folder / "cube.tif").unlink()
    labels = scipy.io.loadmat(folder / "data/salinas_a" / FILES[1])["salinasA_gt"]
    ids = [int(label) for label in np.unique(labels) if label]
    classes = np.full(labels.shape, 255, np.uint8)
    for index, label in enumerate(ids):
        classes[labels == label] = index
    write_areas(folder / "fields.gpkg", classes, [f"crop {label}" for label in ids], ids, **PLACE, smallest=1)


def write_lab_files(folder: Path) -> None:
    """The leaves of somebody with a lab camera: counts, both references, and polygons in pixels."""
    draw = np.random.default_rng(0)
    kinds = np.arange(40) // 10  # four leaves, side by side
    reflectance = 0.2 + 0.15 * kinds[:, None] + 0.02 * draw.normal(size=(30, 40, 12))
    captures = dict(leaves=100 + 3000 * reflectance, white=np.full((5, 40, 12), 3100), dark=np.full((5, 40, 12), 100))
    for name, counts in captures.items():
        write_envi(folder / f"{name}.raw", counts.astype(np.uint16))
    features = []
    for kind, first in itertools.product(range(4), (2, 12, 22)):
        left, right, top, bottom = 10 * kind + 2, 10 * kind + 8, first, first + 5
        ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        geometry = dict(type="Polygon", coordinates=[ring])
        features.append(dict(type="Feature", properties={"class": f"leaf {kind}"}, geometry=geometry))
    (folder / "leaves.geojson").write_text(json.dumps(dict(type="FeatureCollection", features=features)))


def shortened(words: list[str]) -> list[str]:
    """One epoch in place of all, whose checkpoint has the name of the last; seconds for everything."""
    if words[0] == "classify":
        return [*words, "--minutes", "0.2", "--models", "lda-on-spectra"]
    if words[0] != "train":
        return words
    last = Config.fromfile(words[1]).train_cfg.max_epochs
    name = f"default_hooks.checkpoint.filename_tmpl=epoch_{last}.pth"
    less = ["train_dataloader.dataset.stride=9"] * ("per-class" not in words[words.index("--dataset") + 1])
    return [*words, "--cfg-options", "train_cfg.max_epochs=1", name, *less]


@pytest.mark.slow
def test_every_command_of_the_readme_on_downloaded_files_alone(clone, run_tool, capsys):
    write_users_files(clone)
    write_lab_files(clone)
    ran = []
    for block in blocks_of(ROOT / "README.md"):
        if block.language != "shell" or block.reason:
            continue
        for words in commands(block.code):
            assert words[0] == "mmhsi", words
            assert run_tool(*shortened(words[1:])) == 0, (words, capsys.readouterr().err)
            ran.append(words[1])
    assert ran == ["classify", "classify", "train", "train", "test", "predict"]
    labels = scipy.io.loadmat(clone / "data/salinas_a" / FILES[1])["salinasA_gt"]
    report = json.loads((clone / "report.json").read_text())
    assert np.sum(report["confusion_matrix"]) == (labels > 0).sum() - 6 * 20  # no pixel of the training is tested
    with rasterio.open(clone / "map.tif") as written:
        assert written.shape == labels.shape
        assert set(np.unique(written.read(1))) <= set(np.unique(labels))
    assert (clone / "map.png").stat().st_size > 1000
