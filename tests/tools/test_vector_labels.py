"""From polygons to polygons by the commands: train, test, predict --vector, show_split."""

import struct
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from affine import Affine
from pyogrio.raw import write
from rasterio.crs import CRS

from mmhsi.io import HSICube, read_class_map, write_cube

ROOT = Path(__file__).parents[2]
TRANSFORM = Affine(30, 0, 300_000, 0, -30, 5_800_000)
CONFIG = """
_base_ = [
    "{root}/configs/_base_/models/pixel_cnn1d.py",
    "{root}/configs/_base_/datasets/scene_20-per-class.py",
    "{root}/configs/_base_/schedules/adamw_scratch_100e.py",
    "{root}/configs/_base_/default_runtime.py",
]
scene = dict(image="cube.tif", labels="drawn.gpkg", label_field="kind")
split = dict(type="FewShotSplit", per_class=20)
train_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
test_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
train_cfg = dict(max_epochs=2)
"""


def square(column, row, side=6):
    x, y, s = 300_000.0 + 30 * column, 5_800_000.0 - 30 * row, 30.0 * side
    ring = np.array([(x, y), (x + s, y), (x + s, y - s), (x, y - s), (x, y)])
    return struct.pack("<BIII", 1, 3, 1, 5) + ring.tobytes()


@pytest.fixture(name="run")
def run_fixture(tmp_path, run_tool):
    """Config and checkpoint of two epochs on polygons of two classes."""
    rng = np.random.default_rng(0)
    truth = np.repeat([[0, 1]], 20, axis=1).repeat(40, axis=0)
    data = (truth[..., None] + rng.normal(0, 0.1, (40, 40, 12))).astype(np.float32)
    write_cube(tmp_path / "cube.tif", HSICube(data, crs=CRS.from_epsg(32633), transform=TRANSFORM))
    places = [(column, row) for row in (3, 16, 29) for column in (4, 28)]
    shapes = np.array([square(*place) for place in places], dtype=object)
    names = np.array([["Wasser", "樹"][column > 20] for column, _ in places], dtype=object)
    options = dict(driver="GPKG", geometry_type="Polygon", crs="EPSG:32633")
    write(str(tmp_path / "drawn.gpkg"), shapes, [names], ["kind"], **options)
    config = tmp_path / "config.py"
    config.write_text(CONFIG.format(root=ROOT, folder=tmp_path))
    assert run_tool("train", config, "--work-dir", tmp_path / "run") == 0
    return config, tmp_path / "run" / "epoch_2.pth", tmp_path


@pytest.mark.slow
def test_the_commands_take_polygons_and_give_them(run, run_tool, capsys):
    config, checkpoint, folder = run
    assert run_tool("test", config, checkpoint) == 0
    assert run_tool("analysis/show_split", config, "--out", folder / "split.png") == 0
    assert "polygons" in capsys.readouterr().out
    cube, out = folder / "cube.tif", folder / "map.tif"
    files = ["--vector", folder / "map.gpkg", "--smallest", 4, "--png", folder / "map.png"]
    labels = ["--labels", folder / "drawn.gpkg", "--label-field", "kind"]
    assert run_tool("predict", config, checkpoint, cube, "--out", out, *files, *labels) == 0
    found = read_class_map(out)
    assert (found.names, found.ids) == (["Wasser", "樹"], (1, 2))
    areas = pyogrio.raw.read(folder / "map.gpkg")
    assert set(areas[3][list(areas[0]["fields"]).index("class")]) <= {"Wasser", "樹"}
    assert areas[0]["crs"] == "EPSG:32633"
    assert (folder / "map.png").stat().st_size > 1000


@pytest.mark.slow
def test_a_field_that_is_not_there_is_one_line(run, run_tool, capsys):
    config, checkpoint, folder = run
    words = ["--out", folder / "map.tif", "--png", folder / "map.png", "--labels", folder / "drawn.gpkg"]
    assert run_tool("predict", config, checkpoint, folder / "cube.tif", *words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(lines) == 1
    assert "has no field 'class' (label_field), it has kind" in lines[0]


@pytest.mark.parametrize(
    ("name", "said"), [("a.kml", "labels are not read from '.kml'"), ("a.csv", "no field 'class'")]
)
def test_labels_of_a_picture_are_read_before_the_model(run_tool, tmp_path, capfd, name, said):
    for empty in ("no.pth", "no.tif"):
        (tmp_path / empty).touch()
    (tmp_path / name).write_text("x,y\n1,2\n")
    words = ["--out", tmp_path / "map.tif", "--png", tmp_path / "map.png", "--labels", tmp_path / name]
    assert run_tool("predict", tmp_path / "no.pth", tmp_path / "no.tif", *words) == 2
    assert said in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--smallest", 0, "--vector", "m.gpkg"], "--smallest: 0 given, expected a whole number of at least 1"),
        (["--smallest", 4], "--smallest says nothing without --vector"),
    ],
)
def test_smallest_areas_are_those_of_a_vector_file(run_tool, tmp_path, capfd, words, said):
    for name in ("no.pth", "no.tif"):
        (tmp_path / name).touch()
    assert run_tool("predict", tmp_path / "no.pth", tmp_path / "no.tif", "--out", tmp_path / "map.tif", *words) == 2
    assert said in capfd.readouterr().err
