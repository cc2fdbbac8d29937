"""Small inputs that once went wrong, by the commands.

Those of the other kinds stand beside what mends them: declared missing values in io/test_missing_values.py and
io/test_label_maps.py, axes of containers in io/test_hdf5.py, places in datasets/test_labels_elsewhere.py, sizes of
tiles in datasets/test_tile_headers.py, units in io/test_wavelengths.py, scale and offset in
inference/test_scene_checks.py, classes of the head in engine/test_numbers.py, a resumed schedule in
engine/test_run_identity.py, one copy of a scene in engine/test_attach_scenes.py.
"""

import numpy as np
import pytest
from cube_files import write_geotiff
from scripts import REPOSITORY

BASE = REPOSITORY / "configs/_base_"
LABELS = np.arange(16 * 18).reshape(16, 18) // 6 % 3 + 1
SPECTRA = np.random.default_rng(1).permutation(3000)[:18].reshape(3, 6)
CUBE = (SPECTRA[LABELS - 1] + np.random.default_rng(0).integers(-30, 30, (16, 18, 6))).astype(np.int16)
PIXELS = """_base_ = ["{base}/models/{model}.py", "{base}/datasets/scene_20-per-class.py",
    "{base}/schedules/adamw_scratch_100e.py", "{base}/default_runtime.py"]
scene = dict(image="cube.tif", labels="labels.npy", classes=["a", "b", "c"], label_ids=[1, 2, 3])
data = dict(scene=scene, data_root=".", window=1, split=dict(type="FewShotSplit", per_class=7))
train_dataloader = dict(batch_size={batch}, dataset=data)
test_dataloader = dict(dataset=data)
train_cfg = dict(max_epochs=1)
param_scheduler = []
work_dir = "w"
"""
TILES = """_base_ = ["{base}/models/{model}.py", "{base}/schedules/adamw_scratch_100e.py", "{base}/default_runtime.py"]
data = dict(type="TileDataset", data_root=".", image_dir="im", label_dir="la",
    scene=dict(classes=["a", "b", "c"], label_ids=[1, 2, 3]),
    pipeline=[dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")])
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type="SeededSampler", shuffle=True), dataset=data)
train_cfg = dict(max_epochs=1)
param_scheduler = []
work_dir = "w"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("labels.npy", LABELS)
    write_geotiff(tmp_path / "cube.tif", CUBE)
    return tmp_path


def trained(folder, run_tool, text, **values):
    (folder / "cfg.py").write_text(text.format(base=BASE, **values))
    return run_tool("train", "cfg.py")


@pytest.mark.parametrize(("model", "batch"), [("pixel_cnn2d", 20), ("pixel_cnn2d", 10), ("pixel_gru", 20)])
def test_a_last_batch_of_one_pixel(folder, run_tool, model, batch):
    assert trained(folder, run_tool, PIXELS, model=model, batch=batch) == 0


def write_tiles(folder, sizes):
    for kind in ("im", "la"):
        (folder / kind).mkdir()
    for index, (height, width) in enumerate(sizes):
        labels = np.arange(height * width).reshape(height, width) % 3 + 1
        write_geotiff(folder / f"im/{index}.tif", SPECTRA[labels - 1].astype(np.int16))
        write_geotiff(folder / f"la/{index}.tif", labels[..., None].astype(np.uint8))


def test_sides_that_do_not_divide_are_padded(folder, run_tool):
    write_tiles(folder, [(30, 33), (30, 33)])
    assert trained(folder, run_tool, TILES, model="unet_c32") == 0


def test_sides_that_do_not_divide_are_one_line_where_nothing_pads(folder, run_tool, capsys):
    write_tiles(folder, [(30, 33), (30, 33)])
    text = TILES + "model = dict(data_preprocessor=dict(size_divisor=1))\n"
    assert trained(folder, run_tool, text, model="unet_c32") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "takes sides that divide by 8, got 30 x 33" in errors[0]
    assert "size_divisor=8" in errors[0]
