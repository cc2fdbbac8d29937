"""Scenes and labels at the edges of what there is: a sensible map, or one line."""

import json

import numpy as np
import pytest
import rasterio

from mmhsi import SceneClassifier
from mmhsi.errors import DataError
from mmhsi.estimator import source
from mmhsi.estimator.scene_files import describe_scene
from mmhsi.inference import SceneWarning
from mmhsi.io import read_class_map


def scene(height=30, width=32, bands=12, classes=3):
    """Vertical stripes of classes with noise, and the class of every pixel from 1."""
    truth = (np.arange(width) * classes // width + 1)[None].repeat(height, axis=0)
    means = np.random.default_rng(1).normal(size=(classes + 1, bands))
    return (means[truth] + np.random.default_rng(0).normal(0, 0.5, (height, width, bands))).astype(np.float32), truth


def some(truth, each):
    """So many labels of each class at random."""
    few = np.zeros_like(truth)
    for label in np.unique(truth):
        places = np.flatnonzero(truth == label)
        few.flat[np.random.default_rng(label).choice(places, min(each, len(places)), replace=False)] = label
    return few


def classify(cube, labels, **options):
    """A map, how often it is right, and its report."""
    model = SceneClassifier(**{"minutes": 5, "models": ["lda", "svm-on-spectra"], **options}).fit(cube, labels)
    return model.predict(cube), model


@pytest.mark.parametrize(("bands", "least"), [(4, 0.7), (430, 0.9), (1, 0.3)])
def test_any_number_of_bands(bands, least):
    cube, truth = scene(bands=bands)
    result, model = classify(cube, some(truth, 15))
    assert (result.classes + 1 == truth).mean() > least
    assert np.isfinite(model.report.accuracy.value)


@pytest.mark.parametrize("each", [2, 5])
def test_few_labels_give_a_map_and_warnings(each):
    cube, truth = scene()
    result, model = classify(cube, some(truth, each))
    assert (result.classes + 1 == truth).mean() > 0.6
    assert f"class 1: only {each} labelled pixels" in model.report.warnings


def test_one_label_in_a_class(recwarn):
    cube, truth = scene()
    labels = some(truth, 12)
    single = np.flatnonzero(labels == 3)
    labels.flat[single[1:]] = 0
    result, model = classify(cube, labels)
    assert not [each for each in recwarn if not issubclass(each.category, SceneWarning)]
    assert set(np.unique(result.classes)) <= {0, 1, 2}
    (said,) = (text for text in model.report.warnings if "lie in one place" in text)
    assert said.startswith("class 3: all its labels")


def test_one_label_in_each_class_is_refused_before_anything_is_made(tmp_path):
    cube, truth = scene()
    with pytest.raises(DataError, match="no class has more than one label"):
        SceneClassifier(minutes=1, models="lda").fit(cube, some(truth, 1), workdir=tmp_path)
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize(
    ("hidden", "labelled", "message"),
    [
        ((), (1,), "holds 1 class beside"),
        ((1, 2), (1, 2, 3), "660 labels lie on pixels without data, which leaves 1 class;"),
    ],
)
def test_one_class(hidden, labelled, message):
    cube, truth = scene()
    cube[np.isin(truth, hidden)] = np.nan
    with pytest.raises(DataError, match=message):
        classify(cube, np.where(np.isin(truth, labelled), truth, 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "ids", "message"),
    [
        (["soil", "water", "tree"], [0, 1, 2], "names 0 as the class 'soil', and 0 means no label"),
        (["soil", "water", "soil"], [1, 2, 3], "class_names=.* name one twice"),
        (["soil", "water", "tree"], [1, 2, 2], "class_ids=.* name one twice"),
        (["class 3", "water"], [1, 2], r"'class 3' is the name of \[1, 3\]"),
    ],
)
def test_names_of_a_label_map_that_would_mix_classes_up(names, ids, message, tmp_path):
    path = tmp_path / "labels.tif"
    labels = np.array([[0, 1], [2, 3]], np.uint8)
    with rasterio.open(path, "w", driver="GTiff", height=2, width=2, count=1, dtype="uint8") as file:
        file.write(labels, 1)
        file.update_tags(class_names=json.dumps(names), class_ids=json.dumps(ids))
    with pytest.raises(DataError, match=message):
        describe_scene(np.zeros((2, 2, 4), np.float32), path, None, None, {}, tmp_path)


def test_two_hundred_classes():
    cube, truth = scene(20, 400, 20, classes=200)
    result, model = classify(cube, some(truth, 8), models="lda-on-spectra")
    assert (result.classes + 1 == truth).mean() > 0.3  # 0.005 by chance
    assert len(model.report.confusion) == 200


def test_bands_without_variance_and_regions_without_data():
    cube, truth = scene()
    cube[..., 3] = 7
    cube[5:12, 4:20] = np.nan
    result, model = classify(cube, some(truth, 15))
    assert (result.classes[5:12, 4:20] == 255).all()
    kept = result.classes != 255
    assert (result.classes + 1 == truth)[kept].mean() > 0.8
    assert any("lie on pixels without data" in text for text in model.report.warnings)


def test_bands_without_data_are_left_out():
    cube, truth = scene()
    labels = some(truth, 15)
    expected, _ = classify(cube[..., [0, 1, 2, *range(4, 11)]], labels, models="lda-on-spectra")
    cube[..., [3, 11]] = np.nan
    result, model = classify(cube, labels, models="lda-on-spectra")
    assert (result.classes == expected.classes).all()
    assert "2 of 12 bands were left out: empty, flagged bad, or named so" in model.report.decisions
    config = next(model.checkpoint_.parent.glob("configs/*.py")).read_text()
    assert "'bad_bands': [3, 11]" in config


def test_named_bands_are_left_out_by_the_command(run_tool, tmp_path, capsys):
    cube, truth = scene()
    np.save(tmp_path / "cube.npy", cube)
    np.save(tmp_path / "labels.npy", some(truth, 15))
    files = ("classify", tmp_path / "cube.npy", tmp_path / "labels.npy", "--models", "lda-on-spectra", "--quiet")
    assert run_tool(*files, "--out", tmp_path / "map.tif", "--bad-bands", "11,3-5") == 0
    kept, _ = classify(cube[..., [0, 1, 2, *range(6, 11)]], some(truth, 15), models="lda-on-spectra")
    assert (read_class_map(tmp_path / "map.tif").classes == kept.classes).all()
    assert "'bad_bands': [3, 4, 5, 11]" in next((tmp_path / "map.tif.work/configs").glob("*.py")).read_text()
    assert run_tool(*files, "--out", tmp_path / "other.tif", "--bad-bands", "12") == 2
    assert "bad_bands names band 12" in capsys.readouterr().err
    assert not (tmp_path / "other.tif.work").exists()


def test_labels_in_one_corner_are_warned_of():
    cube, truth = scene(60, 64)
    stripes = truth.copy()
    stripes[:, :] = (np.arange(60)[:, None] % 6) // 2 + 1
    cube = (
        np.random.default_rng(1).normal(size=(4, 12))[stripes] + np.random.default_rng(0).normal(0, 0.5, (60, 64, 12))
    ).astype(np.float32)
    labels = np.zeros_like(stripes)
    labels[:12, :12] = stripes[:12, :12]
    _, model = classify(cube, labels)
    assert any("all labels lie within" in text for text in model.report.warnings)


def test_sampled_rows_tell_how_much_of_a_large_scene_is_mapped(monkeypatch, tmp_path):
    cube, truth = scene(96, 32)
    cube[:, :8] = np.nan
    np.save(tmp_path / "cube.npy", cube)
    described = describe_scene(tmp_path / "cube.npy", some(truth, 5), None, None, {}, tmp_path)
    with source.SceneSource(described) as whole:
        assert whole.mapped == 96 * 24
    monkeypatch.setattr(source, "WHOLE", 0)
    monkeypatch.setattr(source, "SAMPLED", 32 * 32)
    monkeypatch.setattr(source, "ROWS", 16)
    with source.SceneSource(described) as sparse:
        assert sparse.valid.sum() == 32 * 24
        assert sparse.mapped == 96 * 24


@pytest.mark.slow
def test_a_scene_read_in_rows_gives_the_map_of_one_in_memory(monkeypatch):
    cube, truth = scene(200, 40)
    labels = some(truth, 30)
    whole, first = classify(cube, labels)
    monkeypatch.setattr(source, "WHOLE", 0)
    monkeypatch.setattr(source, "ROWS", 16)
    rows, second = classify(cube, labels)
    assert second.report.folds == first.report.folds  # all rows are sampled
    assert np.abs(rows.probabilities - whole.probabilities).max() < 0.02
    monkeypatch.setattr(source, "SAMPLED", 40 * 48)
    sparse, third = classify(cube, labels)
    assert (sparse.classes == whole.classes).mean() > 0.9
    assert third.report.classes[0].labels == first.report.classes[0].labels


@pytest.mark.parametrize("models", ["lda", "extra-trees"])
def test_a_scene_of_fewer_pixels_than_words(models):
    """Twenty pixels, of which the channels hold at most as many words."""
    cube, truth = scene(4, 5, classes=2)
    labels = np.where(np.arange(20).reshape(4, 5) % 5 == 2, 0, truth)
    found, _ = classify(cube, labels, models=models)
    assert (found.classes[labels > 0] + 1 == labels[labels > 0]).all()
    assert found.probabilities.shape == (4, 5, 2)
