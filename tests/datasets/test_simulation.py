import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from scipy.ndimage import uniform_filter
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mmhsi.datasets import simulation
from mmhsi.datasets.simulation import (
    DEMO_CLASSES,
    DEMO_PALETTE,
    WATER_VAPOUR_NM,
    SimulatedScene,
    simulate_scene,
    write_scene,
)
from mmhsi.errors import ConfigError, DataError

TOOL = Path(__file__).parents[2] / "tools" / "make_demo_scene.py"


@pytest.fixture(scope="module")
def scene() -> SimulatedScene:
    return simulate_scene()


def svm_accuracy(features: np.ndarray, labels: np.ndarray, per_class: int = 20) -> float:
    """Overall accuracy on the labelled pixels that were not among ``per_class`` random training pixels a class."""
    features, labels = features.reshape(-1, features.shape[-1]), labels.ravel()
    rng = np.random.default_rng(0)
    train = np.concatenate(
        [rng.choice(np.flatnonzero(labels == k), per_class, replace=False) for k in range(1, labels.max() + 1)]
    )
    test = np.setdiff1d(np.flatnonzero(labels), train)
    model = make_pipeline(StandardScaler(), SVC(C=100)).fit(features[train], labels[train])
    return float((model.predict(features[test]) == labels[test]).mean())


def test_shapes_types_and_ranges(scene):
    assert (scene.cube.shape, scene.cube.dtype) == ((96, 96, 64), np.uint16)
    assert (scene.labels.shape, scene.labels.dtype) == ((96, 96), np.uint8)
    assert scene.cube.max() < scene.nodata == 65535
    assert scene.wavelengths[[0, -1]].tolist() == [400, 2400]
    assert len(scene.class_names) == len(set(scene.class_names)) == len(set(scene.palette)) == 8
    assert (scene.class_names, scene.palette) == (DEMO_CLASSES, DEMO_PALETTE)
    assert all("simulated" in name for name in scene.class_names)
    assert all(0 <= value <= 255 for rgb in scene.palette for value in rgb)


def test_labels_are_sparse_and_on_pure_pixels_of_their_class(scene):
    assert set(np.unique(scene.labels)) == set(range(9))
    assert 0.2 < (scene.labels > 0).mean() < 0.7
    for row, col in np.argwhere(scene.labels > 0)[::50]:
        shares = scene.abundances[row, col]
        assert shares.argmax() == scene.labels[row, col] - 1
        assert shares.max() >= 0.7


def test_abundances_mix_to_the_cube(scene):
    np.testing.assert_allclose(scene.abundances.sum(-1), 1, atol=1e-5)
    mixture = (scene.abundances @ scene.endmembers)[..., scene.good_bands].mean((0, 1))
    seen = scene.cube[..., scene.good_bands].mean((0, 1)) / 10000
    # Light and shadow scale the scene's mean spectrum, they do not change its shape.
    assert np.corrcoef(mixture, seen)[0, 1] > 0.99
    assert 0.7 < (seen / mixture).mean() < 1.1


def test_bad_bands_lie_in_water_vapour_and_hold_garbage(scene):
    expected = [not any(low <= nm <= high for low, high in WATER_VAPOUR_NM) for nm in scene.wavelengths]
    assert scene.good_bands.tolist() == expected
    assert 4 <= expected.count(False) <= 10
    bad = scene.cube[..., ~scene.good_bands].reshape(-1, expected.count(False)).astype(float)
    assert np.abs(np.corrcoef(bad.T) - np.eye(bad.shape[1])).max() < 0.1


def test_noise_is_what_it_should_be_and_three_times_as_much_at_the_ends(scene, monkeypatch):
    monkeypatch.setattr(simulation, "NOISE", 0)
    bands = [0, 28, 29, 63]  # both ends, and the good ones nearest to the middle
    clean = simulate_scene().cube[..., bands].astype(float)
    noise = (scene.cube[..., bands] - clean)[clean.min(-1) > 600]  # bright enough not to be clipped at 0
    np.testing.assert_allclose(noise.std(0) / 10000, [0.012, 0.004, 0.004, 0.012], rtol=0.05)


def test_same_seed_same_scene(scene):
    again, other = simulate_scene(), simulate_scene(seed=1)
    np.testing.assert_array_equal(again.cube, scene.cube)
    np.testing.assert_array_equal(again.labels, scene.labels)
    assert not np.array_equal(other.labels, scene.labels)


@pytest.mark.parametrize("seed", [0, 1])
def test_neighbourhood_tells_more_than_a_single_spectrum(seed):
    scene = simulate_scene(seed=seed)
    spectra = scene.cube[..., scene.good_bands].astype(np.float64)
    single = svm_accuracy(spectra, scene.labels)
    smoothed = svm_accuracy(uniform_filter(spectra, (5, 5, 1)), scene.labels)
    assert 0.5 < single < 0.97
    assert smoothed > single + 0.03


@pytest.mark.parametrize(("height", "width", "bands", "classes"), [(8, 8, 4, 2), (33, 24, 7, 5), (64, 80, 30, 8)])
@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_labelled_in_small_and_odd_scenes(height, width, bands, classes, seed):
    scene = simulate_scene(height, width, bands, classes, seed=seed)
    assert scene.cube.shape == (height, width, bands)
    assert set(np.unique(scene.labels)) >= set(range(1, classes + 1))


@pytest.mark.parametrize(
    "arguments",
    [
        {"height": 7},
        {"bands": 3},
        {"classes": 1},
        {"classes": 9},
        {"seed": -1},
        {"height": 8, "width": 8, "bands": 4, "seed": 5},
    ],
)
def test_what_cannot_work_is_refused(arguments):
    with pytest.raises(ConfigError, match="simulate_scene"):
        simulate_scene(**arguments)


def test_files_hold_the_scene(scene, tmp_path):
    cube_path, labels_path = write_scene(scene, tmp_path / "new" / "folder")
    with rasterio.open(cube_path) as file:
        np.testing.assert_array_equal(file.read().transpose(1, 2, 0), scene.cube)
        assert (file.crs.to_epsg(), file.nodata, file.res) == (32633, 65535, (10.0, 10.0))
        assert tuple(file.transform)[:6] == scene.transform
        assert file.profile["tiled"]
        assert file.compression.name == "deflate"
        assert "SIMULATED" in file.tags()["description"]
        tags = [file.tags(index) for index in file.indexes]
    np.testing.assert_allclose([float(tag["wavelength"]) for tag in tags], scene.wavelengths, atol=1e-3)
    np.testing.assert_allclose([float(tag["fwhm"]) for tag in tags], scene.fwhm, atol=1e-3)
    assert [tag["bbl"] == "1" for tag in tags] == scene.good_bands.tolist()
    assert {tag["wavelength_units"] for tag in tags} == {"Nanometers"}

    with rasterio.open(labels_path) as file:
        np.testing.assert_array_equal(file.read(1), scene.labels)
        assert (file.crs.to_epsg(), file.nodata, file.dtypes) == (32633, 0, ("uint8",))
        assert json.loads(file.tags()["class_names"]) == list(scene.class_names)
        assert [file.colormap(1)[k][:3] for k in range(1, 9)] == list(scene.palette)
        assert "SIMULATED" in file.tags()["description"]
    with rasterio.open(cube_path.with_name("demo_abundances.tif")) as file:
        np.testing.assert_allclose(file.read().transpose(1, 2, 0), scene.abundances, atol=1e-6)
    names = ["demo_abundances.tif", "demo_cube.tif", "demo_labels.tif"]
    assert sorted(path.name for path in cube_path.parent.iterdir()) == names


def test_a_failed_write_leaves_the_old_files_and_nothing_else(scene, tmp_path, monkeypatch):
    write_scene(scene, tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(DataError, match=r"demo_cube\.tif: cannot write: disk full"):
        write_scene(scene, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "demo_abundances.tif": b"old",
        "demo_cube.tif": b"old",
        "demo_labels.tif": b"old",
    }


def test_tool_writes_and_says_that_it_is_simulated(run_tool, tmp_path, capsys):
    assert run_tool("make_demo_scene", "--out", tmp_path, "--size", 32, "--bands", 12, "--seed", 3) == 0
    printed = capsys.readouterr().out
    assert str(tmp_path / "demo_cube.tif") in printed
    assert str(tmp_path / "demo_labels.tif") in printed
    assert "SIMULATED" in printed
    with rasterio.open(tmp_path / "demo_cube.tif") as file:
        assert file.shape == (32, 32)
        assert file.count == 12


def test_tool_reports_what_cannot_work_in_one_line(run_tool, tmp_path, capsys):
    assert run_tool("make_demo_scene", "--out", tmp_path, "--size", 4) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "height is 4" in error
    with pytest.raises(ConfigError):
        run_tool("make_demo_scene", "--out", tmp_path, "--size", 4, "--debug")
