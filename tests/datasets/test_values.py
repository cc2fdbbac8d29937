"""Values to be predicted: rasters, drawn features and tables, on a cube's grid and in windows of their own."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from mmhsi.datasets import SceneValueDataset, WindowValueDataset, collate_pixels
from mmhsi.datasets.grid_values import block_means
from mmhsi.errors import ConfigError, DataError, DataWarning
from mmhsi.io import HSICube, write_cube
from mmhsi.io.masked_npz import read_masked_npz

UTM = CRS.from_epsg(32633)
RANDOM = dict(type="FractionSplit", fraction=0.5, seed=0)


def place(metres, left=300_000):
    return Affine(metres, 0, left, 0, -metres, 5_800_000)


@pytest.fixture
def folder(tmp_path):
    """A cube of 20 x 24 pixels of 30 m."""
    data = np.random.default_rng(0).random((20, 24, 5), np.float32)
    write_cube(tmp_path / "cube.tif", HSICube(data, crs=UTM, transform=place(30)))
    return tmp_path


def scene(folder, split=RANDOM, **fields):
    return SceneValueDataset(dict(image="cube.tif", **fields), folder, window=3, split=split)


def test_raster_of_values_is_scaled_by_its_training_pixels(folder):
    values = np.random.default_rng(1).normal(40, 3, (20, 24, 2)).astype(np.float32)
    values[3, 4, 1] = -99
    write_cube(folder / "values.tif", HSICube(values, nodata=-99, crs=UTM, transform=place(30)))
    data = scene(folder, values="values.tif", targets=["clay", "sand"], units=["%", "g/kg"])
    expected = np.where(values == -99, np.nan, values)
    np.testing.assert_array_equal(data.values, expected)
    trained = expected.reshape(-1, 2)[data.split.train]
    for index, target in enumerate(data.spec.targets):
        assert (target["name"], target["unit"]) == [("clay", "%"), ("sand", "g/kg")][index]
        assert target["mean"] == pytest.approx(np.nanmean(trained[:, index], dtype=np.float64), rel=1e-6)
        assert target["std"] == pytest.approx(np.nanstd(trained[:, index], dtype=np.float64), rel=1e-6)
    assert data.spec.classes == ()
    sample, batch = data[7], collate_pixels(data.__getitems__([7, 8]))
    assert "label" not in sample
    np.testing.assert_array_equal(sample["value"], expected[sample["row"], sample["column"]])
    np.testing.assert_array_equal(batch["value"][0], sample["value"])
    assert batch["group"][0] == sample["group"]


def test_finer_raster_gives_the_mean_of_what_is_known(folder):
    fine = np.random.default_rng(1).random((40, 48, 1), np.float32)
    fine[:2, :2] = np.nan
    fine[2, 0] = np.nan
    write_cube(folder / "fine.tif", HSICube(fine, crs=UTM, transform=place(15)))
    found = scene(folder, values="fine.tif", targets=["height"]).values[..., 0]
    assert np.isnan(found[0, 0])
    assert found[1, 0] == pytest.approx(np.mean([fine[2, 1, 0], fine[3, 0, 0], fine[3, 1, 0]]))
    assert found[5, 6] == pytest.approx(fine[10:12, 12:14].mean())


def test_raster_on_another_grid_is_sampled_with_a_warning(folder):
    coarse = np.arange(10 * 14, dtype=np.float32).reshape(10, 14, 1)
    write_cube(folder / "coarse.tif", HSICube(coarse, crs=UTM, transform=place(60, 300_000 - 120)))
    with pytest.warns(DataWarning, match="lies on another grid"):
        found = scene(folder, values="coarse.tif").values[..., 0]
    np.testing.assert_array_equal(found, coarse[:, 2:, 0].repeat(2, 0).repeat(2, 1)[:, :24])


def test_what_cannot_be_meant_as_values_is_said(folder):
    values = np.random.default_rng(1).normal(40, 3, (20, 24, 2)).astype(np.float32)
    values[:3, :, 0] = -9999
    write_cube(folder / "values.tif", HSICube(values, crs=UTM, transform=place(30)))
    with pytest.warns(DataWarning, match="has -9999 in 72 places"):
        scene(folder, values="values.tif", targets=["clay", "sand"])
    with pytest.raises(ConfigError, match="targets clay, clay, expected names that differ"):
        scene(folder, values="values.tif", targets=["clay", "clay"])
    with pytest.raises(ConfigError, match=r"values.tif: 2 bands of values for the targets clay"):
        scene(folder, values="values.tif", targets=["clay"])
    values[..., 1] = np.nan
    write_cube(folder / "half.tif", HSICube(values, crs=UTM, transform=place(30)))
    with pytest.raises(DataError, match="sand has no value in any pixel"), pytest.warns(DataWarning):
        scene(folder, values="half.tif", targets=["clay", "sand"])


def test_block_means_of_blocks_by_hand():
    values = np.array([[1, np.nan, 3, 5], [2, 3, np.nan, np.nan]], dtype=np.float32)[..., None]
    np.testing.assert_allclose(block_means(values, 2)[..., 0], [[2, 4]])


def test_points_of_a_table_and_what_does_not_fit(folder):
    rows = ["row,column,nitrogen,carbon", "1,2,3.5,", "5,6,-1.25,20", "7,8,,30", "9,9,2,40", "9,10,2,41"]
    (folder / "points.csv").write_text("\n".join(rows) + "\n")
    with pytest.warns(DataWarning, match="1 feature has no value and is left out"):
        data = scene(folder, values="points.csv", targets=["nitrogen", "carbon"])
    assert data.values[1, 2, 0] == 3.5
    assert np.isnan(data.values[1, 2, 1])
    assert data.values[5, 6].tolist() == [-1.25, 20]
    assert np.isfinite(data.values).any(axis=2).sum() == 5
    assert data.truth(np.array([9, 9]), np.array([9, 10]))["group"].unique().numel() == 2
    (folder / "words.csv").write_text("row,column,nitrogen\n1,2,high\n")
    with pytest.raises(DataError, match="expected a number"):
        scene(folder, values="words.csv", targets=["nitrogen"])
    with pytest.raises(DataError, match=r"has no field 'nitrogn' \(targets\), it has .*; nearest: 'nitrogen'"):
        scene(folder, values="words.csv", targets=["nitrogn"])
    with pytest.raises(ConfigError, match="targets"):
        scene(folder, values="points.csv")
    with pytest.raises(ConfigError, match="1 units for 2 targets"):
        scene(folder, values="points.csv", targets=["nitrogen", "carbon"], units=["%"])
    with pytest.raises(ConfigError, match="values"):
        scene(folder)


@pytest.fixture
def fields(tmp_path):
    """Three fields of 4 bands as masked arrays (band, y, x)."""
    rng = np.random.default_rng(0)
    cubes = {}
    for index, (height, width) in enumerate([(5, 7), (2, 3), (6, 4)]):
        data = rng.integers(0, 1000, (4, height, width)).astype(np.int16)
        mask = np.zeros(data.shape, dtype=bool)
        mask[1, 0] = True
        np.savez(tmp_path / f"{index}.npz", data=data, mask=mask)
        cubes[index] = data
    (tmp_path / "table.csv").write_text("sample_index,P,pH\n0,10,6.5\n1,,7\n2,30,7.5\n")
    return tmp_path, cubes


def test_window_of_one_pixel_is_the_mean_of_what_is_not_masked(fields):
    folder, cubes = fields
    data = WindowValueDataset("table.csv", ".", ["P", "pH"], data_root=folder, subset="labeled")
    for index in range(3):
        np.testing.assert_allclose(data[index]["window"][0, 0], cubes[index][:, 1:].mean(axis=(1, 2)), rtol=1e-6)
    assert data[1]["value"][0].isnan()
    assert [target["mean"] for target in data.spec.targets] == [20, 7]
    assert data.spec.num_bands == 4


def test_larger_window_is_cut_from_the_middle_and_filled_up(fields):
    folder, cubes = fields
    data = WindowValueDataset("table.csv", ".", ["P", "pH"], data_root=folder, subset="labeled", window=3)
    first, second = data[0], data[1]
    np.testing.assert_array_equal(first["window"], cubes[0][:, 1:4, 2:5].transpose(1, 2, 0))
    assert first["valid"].all()
    np.testing.assert_array_equal(second["window"][1:], cubes[1].transpose(1, 2, 0))
    assert second["valid"].tolist() == [[False] * 3, [False] * 3, [True] * 3]  # outside, masked, there
    data = WindowValueDataset("table.csv", ".", ["P"], data_root=folder, split=dict(type="FewShotSplit", per_class=1))
    assert len(data) == 1
    assert "windows" in data.spec.protocol


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sample_index,P\n0,10\n0,11\n", "stands twice"),
        ("sample_index,P\n0,ten\n", "is no number"),
        ("sample_index,P\n0,inf\n", "line 2: P=inf, expected a finite number"),
        ("sample_index,K\n0,10\n", "has no column 'P'"),
        ("sample_index,P,K\n0,10\n", "line 2: another number of cells"),
        ("sample_index,P,K\n0,1,10,5\n", "line 2: another number of cells"),
        ("sample_index,P\n../0,10\n", "is no name of a file"),
        ("sample_index,P\n7,10\n", r"7\.npz"),
    ],
)
def test_wrong_tables_are_refused(fields, table, message):
    folder, _ = fields
    (folder / "table.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        WindowValueDataset("table.csv", ".", ["P"], data_root=folder, subset="labeled")


def test_centres_are_those_of_the_bands(fields):
    folder, _ = fields
    nm = [500.0, 600.0, 700.0, 800.0]
    given = dict(data_root=folder, subset="labeled")
    assert WindowValueDataset("table.csv", ".", ["P"], wavelengths=nm, **given).spec.model_wavelengths == tuple(nm)
    with pytest.raises(DataError, match=r"0\.npz: 4 bands, but 3 wavelengths"):
        WindowValueDataset("table.csv", ".", ["P"], wavelengths=nm[:3], **given)
    (folder / "nm.csv").write_text("band,nm\n" + "".join(f"{index},{value / 1000}\n" for index, value in enumerate(nm)))
    with pytest.raises(ConfigError, match=r"nm\.csv: its last column up to 0.8 looks like µm"):
        WindowValueDataset("table.csv", ".", ["P"], wavelengths="nm.csv", **given)


def test_archives_that_are_no_masked_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", train=np.arange(3))
    with pytest.raises(DataError, match="holds train"):
        read_masked_npz(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", data=np.zeros((2, 3, 4)), mask=np.zeros((2, 3), dtype=bool))
    with pytest.raises(DataError, match="expected 3 axes"):
        read_masked_npz(tmp_path / "b.npz")
