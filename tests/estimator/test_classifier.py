"""The classifier of scenes: files and arrays, the same map by every way, a report that is strict JSON."""

import base64
import hashlib
import io
import json
import pickle
import shutil
import warnings
from contextlib import suppress

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from sklearn.base import clone

from mmhsi import SceneClassifier
from mmhsi.cli.cubes import band_numbers
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.errors import ConfigError, DataError
from mmhsi.estimator.report import check_page
from mmhsi.inference import SceneWarning
from mmhsi.inference.row_store import RowStore
from mmhsi.inference.writers import layers_of
from mmhsi.io import HSICube, read_class_map, read_cube, write_cube
from mmhsi.io.vector_writer import write_areas
from mmhsi.models.weights import read_checkpoint
from mmhsi.visualization import map_figure

MODELS = ("lda", "svm")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A simulated cube, 15 labels a class in a raster, and the truth."""
    folder = tmp_path_factory.mktemp("scene")
    simulated = simulate_scene(48, 48, 24, classes=4)
    cube, labels = write_scene(simulated, folder)
    with rasterio.open(labels) as file:
        truth, profile = file.read(1), file.profile
    few, rng = np.zeros_like(truth), np.random.default_rng(0)
    for label in range(1, 5):
        few.flat[rng.choice(np.flatnonzero(truth == label), 15, replace=False)] = label
    with rasterio.open(folder / "few.tif", "w", **profile) as file:
        file.write(few, 1)
    return cube, folder / "few.tif", few, truth


@pytest.fixture(scope="module")
def fitted(scene, tmp_path_factory):
    """A classifier, its folder, its map."""
    folder = tmp_path_factory.mktemp("work")
    model = SceneClassifier(minutes=1, models=MODELS).fit(scene[0], scene[1], workdir=folder)
    return model, folder, model.predict(scene[0], out=folder / "map.tif")


def test_the_map_is_better_than_chance_and_the_report_says_how_good(scene, fitted):
    model, _, result = fitted
    tested = (scene[3] > 0) & (scene[2] == 0)
    right = (result.classes + 1 == scene[3])[tested].mean()
    assert right > 0.75
    assert model.report.accuracy.low - 0.05 < right < model.report.accuracy.high + 0.05
    assert model.classes_.tolist() == ["class 1", "class 2", "class 3", "class 4"]


def test_probabilities_and_doubt_belong_to_the_map(fitted):
    _, folder, result = fitted
    assert result.probabilities.sum(axis=2) == pytest.approx(1, abs=1e-5)
    assert (result.probabilities.argmax(axis=2) == result.classes).all()
    entropy = -(result.probabilities * np.log(result.probabilities.clip(1e-30))).sum(axis=2) / np.log(4)
    assert result.doubt == pytest.approx(entropy, abs=1e-5)
    result.save(folder / "copy/map.tif", doubt=folder / "copy/doubt.tif")
    assert (read_class_map(folder / "copy/map.tif").classes == result.classes).all()
    assert (read_cube(folder / "copy/doubt.tif").data[..., 0] == result.doubt).all()


def test_arrays_give_the_map_of_the_files(scene, fitted):
    cube = read_cube(scene[0])
    model = SceneClassifier(minutes=1, models=MODELS).fit(
        cube.data[..., cube.good_bands], scene[2], class_names={1: "meadow"}
    )
    assert (model.predict(cube.data[..., cube.good_bands]).classes == fitted[2].classes).all()
    assert model.classes_[0] == "meadow"


def test_the_commands_go_on_from_the_model_and_the_config(scene, fitted, run_tool, tmp_path):
    model, folder, result = fitted
    assert run_tool("predict", model.checkpoint_, scene[0], "--out", tmp_path / "predicted.tif") == 0
    assert (read_class_map(tmp_path / "predicted.tif").classes == result.classes).all()
    assert run_tool("train", folder / "config.py", "--work-dir", tmp_path / "w") == 0
    (checkpoint,) = (tmp_path / "w").glob("epoch_*.pth")
    state, kept = (read_checkpoint(path)["state_dict"] for path in (checkpoint, model.checkpoint_))
    assert torch.allclose(state["samples"], kept["samples"], atol=1e-5)
    assert torch.equal(state["classes"], kept["classes"])


def test_polygons_give_the_map_of_their_raster_and_are_held_out_whole(scene, tmp_path):
    rng, patches = np.random.default_rng(2), np.full(scene[3].shape, 255)
    for label in range(1, 5):
        for index in rng.choice(np.flatnonzero(scene[3] == label), 6, replace=False):
            row, column = divmod(int(index), 48)
            patches[row : row + 3, column : column + 3] = np.where(
                scene[3][row : row + 3, column : column + 3] == label, label - 1, 255
            )
    with rasterio.open(scene[0]) as file:
        place = file.crs, file.transform
    names = ["meadow", "soil", "tree", "water"]
    write_areas(tmp_path / "drawn.gpkg", patches, names, [1, 2, 3, 4], *place)
    model = SceneClassifier(minutes=1, models=MODELS).fit(scene[0], tmp_path / "drawn.gpkg")
    assert "folds of whole polygons" in model.report.folds
    assert model.classes_.tolist() == names
    raster = SceneClassifier(minutes=1, models=MODELS).fit(scene[0], np.where(patches == 255, 0, patches + 1))
    same = model.predict(scene[0]).probabilities - raster.predict(scene[0]).probabilities
    assert np.abs(same).max() < 0.5  # other folds, other weights; the same samples
    assert np.mean(np.abs(same)) < 0.1


def test_the_same_seed_gives_the_same_map_and_a_clone_is_unfitted(scene, fitted):
    copy = clone(fitted[0])
    with pytest.raises(ConfigError, match="not fitted yet"):
        copy.predict(scene[0])
    copy.fit(scene[0], scene[1])
    assert copy.weights_ == fitted[0].weights_
    assert (copy.predict(scene[0]).classes == fitted[2].classes).all()
    assert copy.score(scene[0], np.where(scene[3] > 0, scene[3] - 1, 255)) > 0.75


def test_it_is_pickled_with_its_model(scene, tmp_path):
    model = SceneClassifier(minutes=1, models="lda-on-spectra", folds=np.int64(2)).fit(
        *scene[:2], workdir=tmp_path / "w"
    )
    expected, content = model.predict(scene[0]).probabilities, pickle.dumps(model)
    shutil.rmtree(tmp_path / "w")
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict(scene[0]).probabilities, expected)
    assert again.report.accuracy == model.report.accuracy
    pickle.loads(pickle.dumps(again)).predict(scene[0])


def test_what_was_tried_is_not_tried_again(scene, fitted, tmp_path):
    lines = []
    first = SceneClassifier(minutes=1, models="lda").fit(scene[0], scene[1], workdir=tmp_path)
    both = SceneClassifier(minutes=1, models=MODELS).fit(
        scene[0], scene[1], workdir=tmp_path, resume=True, say=lines.append
    )
    assert next(line for line in lines if "LDA" in line).endswith("tried before")
    assert sum("tried before" in line for line in lines) == 1
    assert both.weights_ == fitted[0].weights_
    assert first.report.candidates[0]["accuracy"] == both.report.candidates[0]["accuracy"]
    lines.clear()
    other = scene[2].copy()
    other[other == 1] = 0
    SceneClassifier(minutes=1, models=MODELS).fit(scene[0], other, workdir=tmp_path, resume=True, say=lines.append)
    assert not any("tried before" in line for line in lines)  # of other labels


def test_going_on_with_something_else_is_said_and_done_anew(scene, tmp_path):
    said, options = [], dict(workdir=tmp_path, resume=True, say=lambda line: said.append(line))
    first = SceneClassifier(minutes=1, models="lda-on-spectra").fit(*scene[:2], **options)
    assert said[2] == f"no interrupted run is known in {tmp_path}: begun anew"
    first.predict(scene[0], out=tmp_path / "map.tif")
    partial = tmp_path / "map.tif.partial"
    layers = layers_of(4, True, True)
    with (
        suppress(KeyboardInterrupt),
        RowStore(partial, 48, layers, dict(weights="of another model")).open(False) as rows,
    ):
        rows.append({name: np.zeros((layer.bands, 1, 48)) for name, layer in layers.items()})
        raise KeyboardInterrupt
    said.clear()
    second = SceneClassifier(minutes=2, models="lda-on-spectra", seed=3).fit(*scene[:2], **options)
    assert said[2] == "the earlier run was given other values of minutes, seed: what depends on that is done anew"
    with pytest.warns(SceneWarning, match="finished rows are of another model or of a scene that has changed"):
        result = second.predict(scene[0], out=tmp_path / "map.tif", resume=True)
    assert (result.classes == first.predict(scene[0]).classes).mean() > 0.99
    assert not partial.exists()


def test_reports_are_strict_json_a_text_and_a_page(fitted, tmp_path):
    report = fitted[0].report
    plain = json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))
    assert sum(map(sum, plain["confusion"])) == 60
    assert plain["classes"][0]["area"]["value"] is None  # no probability sample
    assert sum(row["mapped"] for row in plain["classes"]) == pytest.approx(1)
    report.classes[0] = type(report.classes[0])("<b>", *list(vars(report.classes[0]).values())[1:])
    report.save(tmp_path / "r.html")
    check_page(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace(f"<b>{report.expected}</b>", "")
    report.save(tmp_path / "r.md")
    assert f"{report.expected}" in (tmp_path / "r.md").read_text()
    assert "may be biased" in (tmp_path / "r.md").read_text()


def test_the_report_says_how_much_its_figure_rests_on_and_what_was_read(scene, fitted):
    report, groups = fitted[0].report, fitted[0].report.groups
    low, high = (f"{100 * bound:.1f}" for bound in (report.accuracy.low, report.accuracy.high))
    figure = f"{100 * report.accuracy.value:.1f} %, 90 % interval {low} to {high} %"
    assert report.expected == f"{figure}, from 60 held-out pixels in {groups} places"
    assert 2 <= groups <= 60
    for path in scene[:2]:
        assert report.facts[f"SHA-256 of {path.name}"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_doubtful_of_a_scene_is_said_when_it_is_looked_at(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.repeat([[1, 2]], 20, axis=1).repeat(40, axis=0)
    cube = truth[..., None] + rng.normal(0, 0.1, (40, 40, 6))
    write_cube(tmp_path / "cube.tif", HSICube(cube.astype(np.float32)))
    corner = np.where((np.arange(40)[:, None] < 10) & (np.abs(np.arange(40) - 20) < 4), truth, 0)
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", SceneWarning)
        warnings.showwarning = lambda message, *_: said.append(str(message))
        SceneClassifier(minutes=1, models="lda").fit(tmp_path / "cube.tif", corner, say=said.append)
    place = [next(i for i, line in enumerate(said) if text in line) for text in ("scene:", "CRS", "all labels", "held")]
    assert place == sorted(place)
    assert sum("all labels lie within" in line for line in said) == 1


def test_bands_of_noise_are_told_once_as_the_option_takes_them(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.repeat([[1, 2]], 20, axis=1).repeat(40, axis=0)
    cube = truth[..., None] + rng.normal(0, 0.05, (40, 40, 110))
    noise = [0, 50, 51, 52, 109]
    cube[..., noise] = rng.normal(0, 1, (40, 40, len(noise)))
    np.save(tmp_path / "cube.npy", cube.astype(np.float32))
    labels = np.where(rng.random(truth.shape) < 0.1, truth, 0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        SceneClassifier(minutes=1, models="lda").fit(tmp_path / "cube.npy", labels)
    [line] = [str(each.message) for each in said if "noise" in str(each.message)]
    text = line.partition("--bad-bands ")[2].partition(")")[0]
    assert line.startswith("5 bands look like noise")
    assert band_numbers(text) == noise
    np.save(tmp_path / "cube.npy", rng.normal(0, 1, cube.shape))
    with pytest.warns(SceneWarning, match=r"^110 of 110 bands look like noise; is this the right file\?$"):
        SceneClassifier(minutes=1, models="lda").fit(tmp_path / "cube.npy", labels)


def test_notebooks_show_the_report_and_the_map(fitted):
    model, _, result = fitted
    shown = model._repr_mimebundle_()["text/html"]
    assert f"<b>{model.report.expected}</b>" in shown
    assert model.report._repr_html_() == shown
    assert "SceneClassifier" in SceneClassifier()._repr_mimebundle_()["text/html"]  # scikit-learn's
    picture = result._repr_html_().split("data:image/png;base64,")[1].split('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (810, 405)


def test_areas_of_a_random_sample_hold_the_truth():
    rng = np.random.default_rng(1)
    truth = np.digitize(np.arange(60)[:, None] + np.arange(60) / 4, [20, 55]) + 1
    cube = truth[..., None] * [1.0, 0.5, 0.2, 0.8] + rng.normal(0, 1, (60, 60, 4))
    sample = np.where(rng.random(truth.shape) < 0.1, truth, 0)
    model = SceneClassifier(minutes=1, models="lda", sample=True).fit(cube, sample)
    assert all(np.isnan(row.mapped) for row in model.report.classes)  # there is no map yet
    model.predict(cube)
    for index, (value, low, high) in enumerate(model.report.areas.values()):
        assert low < value < high
        assert low < (truth == index + 1).sum() < high  # pixels: their size is unknown
    assert "Olofsson" in model.report.to_markdown()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((48, 48), int), "holds 0 class"),
        (np.arange(48 * 48).reshape(48, 48), "holds 2303 different values"),
        (np.ones((4, 4, 4, 4)), r"expected numbers \(H, W, C\) or \(H, W\)"),
    ],
)
def test_labels_that_cannot_be_learnt_from(scene, labels, message):
    with pytest.raises(DataError, match=message):
        SceneClassifier(minutes=1).fit(scene[0], labels)


def test_polygons_of_a_single_class_are_told_as_such(scene, tmp_path):
    with rasterio.open(scene[0]) as file:
        write_areas(
            tmp_path / "one.geojson",
            np.where(scene[3] == 1, 0, 255).astype(np.uint8),
            ["soil"],
            [1],
            file.crs,
            file.transform,
        )
    with pytest.raises(DataError, match=r"one\.geojson: holds 1 class; expected at least 2"):
        SceneClassifier(minutes=1).fit(scene[0], tmp_path / "one.geojson")


@pytest.mark.parametrize("name", ["model.pth", "config.py"])
def test_what_others_keep_in_a_folder_is_not_written_over(scene, name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match=f"{name}: is not of a run of this kind"):
        SceneClassifier(minutes=1).fit(scene[0], scene[1], workdir=tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_options_are_checked(scene):
    for options, message in (
        (dict(minutes=0), "minutes=0"),
        (dict(minutes=np.nan), "minutes=nan"),
        (dict(minutes=np.inf), "minutes=inf"),
        (dict(models=None), "models=None"),
        (dict(folds=1), "folds=1"),
        (dict(seed=-1), "seed=-1"),
        (dict(seed=2**32), "seed=4294967296"),
        (dict(models="x"), "'x'"),
        (dict(models=["auto", "lda"]), "'auto' stands alone"),
    ):
        with pytest.raises(ConfigError, match=message):
            SceneClassifier(**options).fit(*scene[:2])
    with pytest.raises(ConfigError, match="class_names="):
        SceneClassifier().fit(*scene[:2], class_names=["a", "b", "c", "d"])
    with pytest.raises(DataError, match="cannot write"):
        SceneClassifier().fit(*scene[:2], workdir=scene[1])


def test_the_command_writes_everything(scene, run_tool, tmp_path, capsys, monkeypatch):
    checkpoint = tmp_path / "map.tif.work/model.pth"
    arguments = (scene[0], scene[1], "--out", tmp_path / "map.tif", "--models", *MODELS, "--minutes", 1)
    drawn = []
    monkeypatch.setattr(map_figure, "draw_scale_and_north", lambda axes, frame, shape: drawn.append(frame.metres))
    assert run_tool("classify", *arguments, "--uncertainty", tmp_path / "doubt.tif") == 0
    assert len(drawn) == 1
    out = capsys.readouterr().out
    assert out.count("expected accuracy elsewhere on the scene: ") == 1
    assert out.splitlines()[-1].endswith(f"s  map {tmp_path}/map.tif, report {tmp_path}/map.html, model {checkpoint}")
    names = {path.name for path in tmp_path.iterdir()}
    assert {"map.tif", "doubt.tif", "map.html", "map.tif.work"} <= names
    assert "data:image/png" in (tmp_path / "map.html").read_text()
    assert run_tool("classify", *arguments[:3], tmp_path / "m.tif", "--report", tmp_path / "r.doc") == 2
    assert "expected a name that ends in .html, .md or .json" in capsys.readouterr().err
