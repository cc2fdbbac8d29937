"""Toulouse: polygons of several images, groups that a published split gives to parts, label maps of each part."""

import pickle

import numpy as np
import pytest
import rasterio
from generated_data import write_image
from pyogrio.raw import write

from mmhsi.datasets import CATALOGUE, TileDataset
from mmhsi.datasets.toulouse import IMAGES, read_split, write_label_maps
from mmhsi.errors import DataError

SIDE = 20
CORNER = (500000.0, 5000000.0)


def square(column, row, side=4):
    """Well-known binary of a square of the grid of :func:`write_image`, 30 m a pixel."""
    left, top = CORNER[0] + 30 * column, CORNER[1] - 30 * row
    right, bottom = left + 30 * side, top - 30 * side
    ring = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    head = b"\x01" + np.array([3, 1, 5], "<u4").tobytes()
    return head + np.array(ring, "<f8").tobytes()


@pytest.fixture
def root(tmp_path):
    """Two of the images; five polygons: of three groups, of no class, of no group."""
    rng = np.random.default_rng(0)
    for name in IMAGES[:2]:
        write_image(tmp_path / "images" / f"{name}.tif", rng.integers(1, 9000, (420, SIDE, SIDE)).astype(np.int16))
    squares = [square(0, 0), square(8, 0), square(0, 8), square(8, 8), square(14, 14)]
    values = np.array([[5, 1, 2], [32, 1, 4], [7, 2, 9], [40, 1, 2], [3, 1, np.nan]]).T
    fields = ["Material", "Image", "Group"]
    write(
        tmp_path / "ground_truth.shp",
        np.array(squares, dtype=object),
        list(values),
        fields,
        geometry_type="Polygon",
        crs="EPSG:32633",
        driver="ESRI Shapefile",
    )
    (tmp_path / "split_1.pkl").write_bytes(pickle.dumps(np.array([0, 3, 3])))  # groups 2, 4 and 9
    return tmp_path


def test_every_part_has_the_polygons_of_its_groups(root):
    write_label_maps(root, root / "ground_truth.shp", root / "split_1.pkl", IMAGES[:2])
    folder = root / "splits/split_1"
    lines = {name: (folder / f"{name}.csv").read_text().split() for name in ("train", "pool", "val", "test")}
    assert {name: len(listed) - 1 for name, listed in lines.items()} == {"train": 1, "pool": 0, "val": 0, "test": 2}
    expected = np.zeros((SIDE, SIDE))
    expected[:4, :4] = 5
    with rasterio.open(folder / "train" / f"{IMAGES[0]}.tif") as file:
        np.testing.assert_array_equal(file.read(1), expected)
    expected = np.zeros((SIDE, SIDE))
    expected[:4, 8:12] = 32
    with rasterio.open(folder / "test" / f"{IMAGES[0]}.tif") as file:
        np.testing.assert_array_equal(file.read(1), expected)
    with rasterio.open(folder / "test" / f"{IMAGES[1]}.tif") as file:
        assert set(np.unique(file.read(1))) == {0, 7}


def test_tiles_of_a_split_load(root, scope):
    write_label_maps(root, root / "ground_truth.shp", root / "split_1.pkl", IMAGES[:2])
    (root / "toulouse").symlink_to(root)
    pipeline = [dict(type="LoadCube"), dict(type="LoadLabels")]
    dataset = TileDataset("toulouse", subset="test-1", data_root=str(root), pipeline=pipeline)
    assert len(dataset) == 2
    assert dataset[0]["img"].shape == (SIDE, SIDE, 310)  # as the authors use
    found = {int(label) for index in range(2) for label in np.unique(dataset[index]["gt_seg_map"])}
    assert found == {6, 31, 255}
    assert CATALOGUE["toulouse"].classes[6] == "Clear painted sheet metal"


def test_split_of_other_groups_is_refused(root):
    (root / "split_1.pkl").write_bytes(pickle.dumps(np.array([0, 3])))
    with pytest.raises(DataError, match=r"split_1.pkl: is of 2 groups, .*ground_truth.shp has 3"):
        write_label_maps(root, root / "ground_truth.shp", root / "split_1.pkl", IMAGES[:2])


class Harmful:
    """What a pickle may ask for."""

    def __reduce__(self):
        return print, ("harm",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Harmful(), "holds builtins.print, expected an array of numbers"),
        ([0, 1], "expected an array of whole numbers from 0 to 3"),
        (np.array([0, 4]), "expected an array of whole numbers from 0 to 3"),
        (np.array([0.0, 1.0]), "expected an array of whole numbers from 0 to 3"),
    ],
)
def test_split_of_anything_else_is_refused(tmp_path, capsys, value, message):
    (tmp_path / "split_1.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(DataError, match=message):
        read_split(tmp_path / "split_1.pkl")
    assert capsys.readouterr().out == ""


def test_the_command_writes_and_names_the_lists(root, run_tool, capsys):
    for name in IMAGES[2:]:
        write_image(root / "images" / f"{name}.tif", np.ones((420, 4, 4), np.int16))
    files = [root / name for name in ("ground_truth.shp", "split_1.pkl")]
    assert run_tool("toulouse_labels", *files, "--root", root) == 0
    said = [f"tiles: {root / 'splits/split_1' / name}.csv" for name in ("train", "pool", "val", "test")]
    assert capsys.readouterr().out.splitlines() == said


def test_missing_image_is_named(root):
    (root / "images" / f"{IMAGES[1]}.tif").unlink()
    with pytest.raises(DataError, match=rf"{IMAGES[1]}.hdr: missing"):
        write_label_maps(root, root / "ground_truth.shp", root / "split_1.pkl", IMAGES[:2])
