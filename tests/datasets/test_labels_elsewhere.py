"""Labels that lie elsewhere than the cube are put onto its grid or refused, compared with a loop over coordinates."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from cube_files import write_geotiff, write_npy
from rasterio.warp import Resampling, reproject

from mmhsi.datasets import IGNORE_INDEX, LabelTable, SceneDataset, TileDataset
from mmhsi.datasets.label_grid import grid_classes
from mmhsi.errors import DataError, DataWarning
from mmhsi.io import open_cube, open_label_map
from mmhsi.io.placement import Grid

UTM = rasterio.CRS.from_epsg(32632)
PLACE = Affine(30.0, 0.0, 500000.0, 0.0, -30.0, 4000000.0)
RNG = np.random.default_rng(0)
TABLE = LabelTable((1, 2, 3), ("a", "b", "c"))
CUBE = RNG.normal(size=(24, 20, 4)).astype("float32")


@pytest.fixture
def scene(tmp_path):
    return write_geotiff(tmp_path / "cube.tif", CUBE, crs=UTM, transform=PLACE)


def _labels(folder, shape, transform, crs=UTM, **profile):
    values = RNG.integers(0, 4, shape).astype("uint8")
    return write_geotiff(folder / "gt.tif", values[..., None], crs=crs, transform=transform, **profile), values


def _nearest(values, transform):
    """Class of the label pixel under each cube pixel's centre, one after the other."""
    expected = np.full(CUBE.shape[:2], IGNORE_INDEX)
    for row in range(24):
        for column in range(20):
            x, y = 500000 + 30 * (column + 0.5), 4000000 - 30 * (row + 0.5)
            place = ~transform
            c, r = place.a * x + place.b * y + place.c, place.d * x + place.e * y + place.f
            if 0 <= r < values.shape[0] and 0 <= c < values.shape[1] and values[int(r), int(c)]:
                expected[row, column] = values[int(r), int(c)] - 1
    return expected


def _classes(scene, path, **options):
    with open_cube(scene) as cube, open_label_map(path) as labels:
        return grid_classes(labels, Grid.of(cube.info), TABLE, **options)


MOVED = {
    "shifted": ((24, 20), Affine(30.0, 0, 500300, 0, -30.0, 3999850)),
    "south up": ((24, 20), Affine(30.0, 0, 500000, 0, 30.0, 4000000 - 24 * 30)),
    "mirrored": ((24, 20), Affine(-30.0, 0, 500000 + 20 * 30, 0, -30.0, 4000000)),
    "coarser": ((10, 9), Affine(90.0, 0, 499970, 0, -90.0, 4000040)),
    "another size": ((30, 33), PLACE),
    "turned": ((40, 40), Affine(24.0, 18.0, 499900, 18.0, -24.0, 3999900)),
}


@pytest.mark.parametrize("name", list(MOVED))
def test_nearest_label(scene, tmp_path, name):
    shape, transform = MOVED[name]
    path, values = _labels(tmp_path, shape, transform)
    with pytest.warns(DataWarning, match=r"gt\.tif: lies on another grid than .*cube\.tif .*nearest"):
        found = _classes(scene, path)
    np.testing.assert_array_equal(found, _nearest(values, transform))
    np.testing.assert_array_equal(_classes(scene, path, window=(3, 5, 7, 9)), found[3:10, 5:14])


def test_less_than_half_a_pixel_off(scene, tmp_path):
    path, values = _labels(tmp_path, (24, 20), Affine(30.0, 0, 500007, 0, -30.0, 4000011))
    np.testing.assert_array_equal(_classes(scene, path), np.where(values, values.astype(int) - 1, IGNORE_INDEX))


@pytest.mark.parametrize("scale", [1, 3])
def test_finer_labels_give_their_majority(scene, tmp_path, scale):
    path, values = _labels(tmp_path, (36, 48), Affine(10.0, 0, 500000, 0, -10.0, 4000000))
    with pytest.warns(DataWarning, match="majority of 3 x 3"):
        found = _classes(scene, path, scale=scale)
    expected = np.full((24, 20), IGNORE_INDEX)
    for row in range(12):
        for column in range(16):
            block = values[3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
            counts = np.bincount(block.ravel(), minlength=4)
            if counts[1:].max() > 4:
                expected[row, column] = counts[1:].argmax()
    np.testing.assert_array_equal(found, expected)


def test_another_coordinate_system(scene, tmp_path):
    """Compared with GDAL's own warping, where both have a class."""
    wgs = rasterio.CRS.from_epsg(4326)
    west, south, east, north = rasterio.warp.transform_bounds(UTM, wgs, 499900, 3999200, 500700, 4000100)
    transform = rasterio.transform.from_bounds(west, south, east, north, 20, 22)
    path, values = _labels(tmp_path, (22, 20), transform, wgs)
    with pytest.warns(DataWarning, match="lies on another grid"):
        found = _classes(scene, path)
    expected = np.zeros((24, 20), "uint8")
    options = dict(src_transform=transform, src_crs=wgs, dst_transform=PLACE, dst_crs=UTM)
    reproject(values, expected, resampling=Resampling.nearest, **options)
    same = np.where(expected, expected.astype(int) - 1, IGNORE_INDEX) == found
    assert same.mean() > 0.98  # GDAL interpolates coordinates


@pytest.mark.parametrize(
    ("transform", "crs", "words"),
    [
        (PLACE, rasterio.CRS.from_epsg(32633), "covers none of the ground"),
        (Affine(30.0, 0, 900000, 0, -30.0, 4000000), UTM, "covers none of the ground"),
        (Affine(30.0, 0, 500300, 0, -30.0, 4000000), None, "without coordinate systems"),
    ],
)
def test_other_ground_is_refused(scene, tmp_path, transform, crs, words):
    _labels(tmp_path, (24, 20), transform, crs)
    with pytest.raises(DataError, match=words):
        SceneDataset(
            dict(image="cube.tif", labels="gt.tif", classes=["a", "b", "c"], label_ids=[1, 2, 3]),
            tmp_path,
            subset="labeled",
            window=3,
        )


def test_labels_without_a_place_need_the_cubes_size(scene, tmp_path):
    values = RNG.integers(0, 4, (24, 20))
    path = write_npy(tmp_path / "gt.npy", values)
    np.testing.assert_array_equal(_classes(scene, path), np.where(values, values - 1, IGNORE_INDEX))
    with pytest.raises(DataError, match="label map of 24 x 19 pixels"):
        _classes(scene, write_npy(tmp_path / "less.npy", values[:, 1:]))


@pytest.mark.parametrize(
    ("ids", "ignored", "nodata"), [((0, 1, 2), (255,), 255), ((1, 2, 3), (-1,), -1), ((1, 2, 3), (0,), 9)]
)
def test_declared_nodata_is_no_label(tmp_path, ids, ignored, nodata):
    write_npy(tmp_path / "cube.npy", CUBE)
    values = RNG.choice([*ids, nodata], (24, 20)).astype("int16")
    write_geotiff(tmp_path / "gt.tif", values[..., None], nodata=nodata)
    scene = dict(image="cube.npy", labels="gt.tif", classes=["a", "b", "c"], label_ids=ids, ignore_ids=ignored)
    data = SceneDataset(scene, tmp_path, subset="labeled", window=3)
    assert data.label_counts().tolist() == [int((values == label).sum()) for label in ids]


def test_nodata_that_is_the_number_of_a_class(scene, tmp_path):
    path, values = _labels(tmp_path, (24, 20), PLACE, nodata=2)
    with pytest.warns(DataWarning, match="nodata value 2 is the id of a class"):
        found = _classes(scene, path)
    assert set(found[values == 2].tolist()) == {IGNORE_INDEX}


def test_labels_of_tiles(tmp_path, scope):
    for folder in ("image", "label"):
        (tmp_path / folder).mkdir()
    write_geotiff(tmp_path / "image/a.tif", CUBE, crs=UTM, transform=PLACE)
    path, values = _labels(tmp_path, (24, 20), MOVED["south up"][1])
    path.rename(tmp_path / "label/a.tif")
    steps = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")]
    scene = dict(classes=["a", "b", "c"], label_ids=[1, 2, 3])
    keys = dict(scene=scene, image_dir="image", label_dir="label", window=(6, 10))
    with pytest.warns(DataWarning, match="another grid"):
        sample = TileDataset(data_root=str(tmp_path), pipeline=steps, **keys)[0]
    first = sample["data_samples"].gt_sem_seg.data[0].numpy()
    np.testing.assert_array_equal(first, _nearest(values, MOVED["south up"][1])[:6, :10])
    data = TileDataset(data_root=str(tmp_path), pipeline=steps, **{**keys, "window": None})
    assert data.label_counts().tolist() == [(values == label).sum() for label in (1, 2, 3)]


def test_a_raster_on_the_other_side_of_the_dateline_lies_on_the_same_ground(tmp_path):
    longitudes = rasterio.CRS.from_epsg(4326)
    east, west = (Affine(0.01, 0, left, 0, -0.01, 10) for left in (179.9, -180.1))
    scene = write_geotiff(tmp_path / "cube.tif", CUBE, crs=longitudes, transform=east)
    path, values = _labels(tmp_path, (24, 20), west, crs=longitudes)
    np.testing.assert_array_equal(_classes(scene, path), np.where(values, values.astype(int) - 1, IGNORE_INDEX))
