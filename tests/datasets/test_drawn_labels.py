"""Scenes with drawn labels: classes, ids, and splits that know polygons."""

import struct

import numpy as np
import pytest
from affine import Affine
from pyogrio.raw import write
from rasterio.crs import CRS

from mmhsi.datasets import SceneDataset, TileDataset
from mmhsi.datasets.splits import DisjointSplit, PolygonFoldSplit, apply_split, on_both_sides
from mmhsi.errors import ConfigError, DataError, DataWarning
from mmhsi.io import HSICube, write_cube

TRANSFORM = Affine(30, 0, 300_000, 0, -30, 5_800_000)


def square(column, row, side):
    x, y, s = 300_000.0 + 30 * column, 5_800_000.0 - 30 * row, 30 * side
    ring = np.array([(x, y), (x + s, y), (x + s, y - s), (x, y - s), (x, y)])
    return struct.pack("<BIII", 1, 3, 1, 5) + ring.tobytes()


@pytest.fixture
def drawn(tmp_path):
    """A scene of 60 x 60 pixels, and 36 squares of 4 x 4 of them, of two names in turn."""
    rng = np.random.default_rng(0)
    write_cube(
        tmp_path / "cube.tif",
        HSICube(data=rng.random((60, 60, 4), np.float32), crs=CRS.from_epsg(32633), transform=TRANSFORM),
    )
    places = [(10 * column + 2, 10 * row + 3) for row in range(6) for column in range(6)]
    names = [("水", "Wald")[(column + row) // 10 % 2] for column, row in places]
    write_squares(tmp_path / "drawn.gpkg", places, names)
    return tmp_path, places, names


def write_squares(path, places, values):
    geometries = np.array([square(*place, 4) for place in places], dtype=object)
    values = np.array(values, dtype=object if isinstance(values[0], str) else None)
    write(str(path), geometries, [values], ["kind"], geometry_type="Polygon", crs="EPSG:32633", driver="GPKG")


def dataset(root, subset="train", split=None, **scene):
    scene = dict(image="cube.tif", labels="drawn.gpkg", label_field="kind", **scene)
    return SceneDataset(scene, root, window=3, subset=subset, split=split)


def expected(places, names, order):
    labels = np.full((60, 60), 255)
    for (column, row), name in zip(places, names, strict=True):
        labels[row : row + 4, column : column + 4] = order.index(name)
    return labels


def test_features_without_a_geometry_make_no_class_and_names_that_differ_in_case_are_told(drawn):
    root, places, names = drawn
    empty = struct.pack("<BII", 1, 3, 0)
    geometries = np.array([*(square(*place, 4) for place in places), None, empty], dtype=object)
    names = ["wald" if name == "水" else name for name in names]
    values = np.array([*names, "Acker", "Wiese"], dtype=object)
    write(str(root / "drawn.gpkg"), geometries, [values], ["kind"], geometry_type="Polygon", crs="EPSG:32633")
    with pytest.warns(
        DataWarning, match="2 features have no geometry; 'Wald', 'wald' are 2 classes by their case alone"
    ):
        data = dataset(root, "labeled")
    assert data.spec.classes == ("Wald", "wald")


def test_names_become_classes(drawn):
    root, places, names = drawn
    data = dataset(root, "labeled")
    assert data.spec.classes == ("Wald", "水")
    assert data.spec.label_ids == (1, 2)
    np.testing.assert_array_equal(data.labels, expected(places, names, ["Wald", "水"]))
    assert np.unique(data.polygons).size == 37


def test_an_order_of_ones_own_and_ids_are_kept(drawn):
    root, places, names = drawn
    data = dataset(root, "labeled", classes=("水", "Wald"), label_ids=(7, 3), palette=((0, 0, 255), (0, 99, 0)))
    assert (data.spec.classes, data.spec.label_ids) == (("水", "Wald"), (7, 3))
    assert data.spec.palette == ((0, 0, 255), (0, 99, 0))
    np.testing.assert_array_equal(data.labels, expected(places, names, ["水", "Wald"]))


def test_numbers_are_ids(drawn):
    root, places, names = drawn
    write_squares(root / "drawn.gpkg", places, np.array([{"水": 40, "Wald": 12}[name] for name in names]))
    data = dataset(root, "labeled")
    assert (data.spec.classes, data.spec.label_ids) == (("12", "40"), (12, 40))
    np.testing.assert_array_equal(data.labels, expected(places, names, ["Wald", "水"]))
    with pytest.raises(DataError, match="has kind='12', expected one of 40, 41"):
        dataset(root, "labeled", classes=("a", "b"), label_ids=(40, 41))


def test_a_name_that_is_no_class_names_the_nearest(drawn):
    with pytest.raises(DataError, match=r"feature 2 has kind='Wald', expected one of 水, Walt; nearest: 'Walt'"):
        dataset(drawn[0], "labeled", classes=("水", "Walt"))


def test_a_name_among_ids_is_what_is_wrong(drawn):
    root, places, names = drawn
    values = [{"水": "40", "Wald": "12"}[name] for name in names]
    write_squares(root / "drawn.gpkg", places, [*values[:8], "Wlad", *values[9:]])
    with pytest.raises(DataError, match=r"feature 9 has kind='Wlad', expected one of 40, 12$"):
        dataset(root, "labeled", classes=("水", "Wald"), label_ids=(40, 12))


def test_what_is_lost_is_warned_of(drawn):
    root, places, names = drawn
    write_squares(root / "lost.gpkg", [*places, (90, 0)], [*names, "Wald"])
    with pytest.warns(DataWarning, match="1 feature lies outside the scene"):
        SceneDataset(dict(image="cube.tif", labels="lost.gpkg", label_field="kind"), root, subset="labeled")


@pytest.mark.parametrize(
    "rule",
    [
        DisjointSplit(per_class=40, window=3, by="polygon"),
        dict(type="mmhsi.DisjointSplit", per_class=40, window=3, by="polygon", seed=3),
        dict(type="mmhsi.PolygonFoldSplit", folds=4, fold=2),
    ],
)
def test_no_polygon_has_pixels_on_both_sides(drawn, rule):
    data = dataset(drawn[0], split=rule)
    assert "polygons" in data.split.protocol
    train, test = (set(data.polygons.ravel()[pixels].tolist()) for pixels in (data.split.train, data.split.test))
    assert train
    assert test
    assert not train & test
    assert on_both_sides(data.split, data.polygons).size == 0


def test_blocks_do_cut_polygons(drawn):
    data = dataset(drawn[0], split=DisjointSplit(per_class=400, window=1, block=5, train_share=0.5))
    assert on_both_sides(data.split, data.polygons).size > 0


def test_folds_test_every_pixel_once(drawn):
    labels = dataset(drawn[0], "labeled")
    splits = [
        apply_split(PolygonFoldSplit(4, fold), labels.labels, labels.spec.classes, labels.polygons) for fold in range(4)
    ]
    tested = np.concatenate([split.test for split in splits])
    np.testing.assert_array_equal(np.sort(tested), np.flatnonzero(labels.labels.ravel() != 255))


def test_of_a_raster_connected_areas_are_polygons():
    labels = np.full((40, 40), 255)
    for number, (row, column) in enumerate([(0, 0), (0, 20), (20, 0), (20, 20), (34, 34), (10, 34)]):
        labels[row : row + 5, column : column + 5] = number % 2
    split = apply_split(DisjointSplit(per_class=50, window=1, by="polygon"), labels, ["a", "b"])
    assert "connected areas of a class" in split.protocol
    for row, column in [(0, 0), (0, 20), (20, 0), (20, 20), (34, 34), (10, 34)]:
        area = set((np.arange(row, row + 5)[:, None] * 40 + np.arange(column, column + 5)).ravel().tolist())
        assert not (area & set(split.train.tolist()) and area & set(split.test.tolist()))


TILES = [dict(type="LoadCube"), dict(type="LoadLabels")]


def test_windows_of_a_scene_have_the_drawn_labels(drawn, scope):
    folder, places, names = drawn
    scene = dict(image="cube.tif", labels="drawn.gpkg", label_field="kind")
    data = TileDataset(scene=scene, data_root=str(folder), window=20, pipeline=TILES)
    whole = expected(places, names, ["Wald", "水"])
    assert data.spec.classes == ("Wald", "水")
    assert data.spec.label_ids == (1, 2)
    assert len(data) == 9
    for sample in data:
        row, column, height, width = sample["window"]
        np.testing.assert_array_equal(sample["gt_seg_map"], whole[row : row + height, column : column + width])
    np.testing.assert_array_equal(data.label_counts(), np.bincount(whole[whole != 255]))


def test_a_file_for_every_tile_needs_the_classes(drawn, scope):
    folder, places, names = drawn
    lines = ["image,mask"]
    for name in "ab":
        write_copy(folder, name)
        lines.append(f"{name}.tif,{name}.gpkg")
    (folder / "tiles.csv").write_text("\n".join(lines))
    named = dict(classes=["水", "Wald"], label_ids=[1, 2], label_field="kind")
    options = dict(split_file="tiles.csv", data_root=str(folder), pipeline=TILES)
    with pytest.raises(ConfigError, match="classes"):
        TileDataset(scene=dict(label_field="kind"), **options)
    data = TileDataset(scene=named, **options)
    for sample in data:
        np.testing.assert_array_equal(sample["gt_seg_map"], expected(places, names, ["水", "Wald"]))
    with pytest.raises(ConfigError, match="fine_labels"):
        TileDataset(scene=named, fine_labels=True, **options)


def write_copy(folder, name):
    for suffix, source in ((".tif", "cube.tif"), (".gpkg", "drawn.gpkg")):
        (folder / f"{name}{suffix}").write_bytes((folder / source).read_bytes())


@pytest.mark.parametrize("palette", [[(0, 100, 0), "#1f78b4"], {"水": [31, 120, 180], "Wald": "#006400"}])
def test_colours_come_by_order_or_by_name_and_as_a_gis_writes_them(drawn, palette):
    assert dataset(drawn[0], "labeled", palette=palette).spec.palette == ((0, 100, 0), (31, 120, 180))


@pytest.mark.parametrize(
    ("palette", "said"),
    [
        ([(1, 2, 3)], "expected a colour for each of 2 classes"),
        ("red", "expected a colour for each of 2 classes"),
        ({"水": (1, 2, 3)}, "no colour of 'Wald'"),
        (["red", "blue"], "'red' given, expected three numbers from 0 to 255"),
        ([(1, 2, 3, 4)] * 2, "expected three numbers"),
        ([(0.5, 0, 1)] * 2, "expected three numbers"),
        ([(256, 0, 0)] * 2, "expected numbers from 0 to 255"),
    ],
)
def test_colours_that_are_none_are_one_line(drawn, palette, said):
    with pytest.raises(ConfigError, match=said):
        dataset(drawn[0], "labeled", palette=palette)
