"""Many scenes on a local cluster of Dask: the maps of one process; a worker that dies is replaced."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from mmengine.config import Config
from processes import run_command
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mmhsi.io import HSICube, write_cube
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec

if TYPE_CHECKING:
    import subprocess

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("scope")]
BANDS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five scenes, the last one damaged, a config and a checkpoint."""
    rng = np.random.default_rng(0)
    for index in range(4):
        place = from_origin(366000 + 300 * index, 5800000, 30, 30)
        data = rng.normal(500, 200, (10, 10, BANDS)).astype(np.float32)
        write_cube(tmp_path / f"in/{index}.tif", HSICube(data, crs=CRS.from_epsg(32633), transform=place))
    (tmp_path / "in/4.tif").write_bytes(b"II*\0 cut")
    (tmp_path / "list.txt").write_text("\n".join(f"in/{index}.tif" for index in range(5)))
    head = dict(type="mmpretrain.LinearClsHead", num_classes=3, loss=dict(type="mmpretrain.CrossEntropyLoss"))
    model = dict(
        type="PixelClassifier",
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=BANDS, mean=[500.0] * BANDS, std=[200.0] * BANDS),
        backbone=dict(type="CNN2D", in_channels=BANDS, embed_dims=8),
        neck=dict(type="CenterContext"),
        head=head,
    )
    torch.manual_seed(0)
    spec = InputSpec(
        classes=("a", "b", "c"), bands=tuple(range(BANDS)), file_bands=BANDS, num_bands=BANDS, window=(5, 5)
    )
    state = MODELS.build(model).state_dict()
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=spec.to_meta())), tmp_path / "model.pth")
    Config(dict(model=model)).dump(tmp_path / "config.py")
    return tmp_path


def run(tool: str, out: str, folder: Path) -> subprocess.CompletedProcess:
    path = Path(__file__).parents[2] / f"tools/{tool}.py"
    given = ("config.py", "model.pth", "--list", "list.txt", "--device", "cpu", "--out-dir", out)
    return run_command([sys.executable, path, *given], cwd=folder)


def test_two_workers_make_the_maps_of_one_process(folder: Path) -> None:
    pytest.importorskip("distributed")
    first = run("dask_predict", "maps", folder)
    assert first.returncode == 1, first.stderr
    assert "4 maps written, 0 were there, 1 scenes failed" in first.stdout
    assert "in/4.tif: " in first.stderr
    run("predict", "alone", folder)
    for index in range(4):
        assert (folder / f"maps/{index}.tif").read_bytes() == (folder / f"alone/{index}.tif").read_bytes()
    with (folder / "maps/summary.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["done"] * 4 + ["failed"]
    (folder / "maps/2.tif").unlink()
    again = run("dask_predict", "maps", folder)
    assert "1 maps written, 3 were there, 1 scenes failed" in again.stdout
