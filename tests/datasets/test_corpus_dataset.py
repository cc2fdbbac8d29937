"""Unlabelled scenes of different band counts."""

import numpy as np
import pytest
import scipy.io
import torch

from mmhsi.datasets import CorpusDataset, SeededIndex
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_cube
from mmhsi.registry import TRANSFORMS

PIPELINE = [
    dict(type="RandomReadWindow", size=4),
    dict(type="LoadCube"),
    dict(type="StandardizeScene"),
    dict(type="BandResample", num_bands=6),
    dict(type="PackTile"),
]


@pytest.fixture
def folder(tmp_path):
    """Three scenes of 5, 6 and 9 bands, of different units."""
    rng = np.random.default_rng(0)
    (tmp_path / "c/sub").mkdir(parents=True)
    scipy.io.savemat(tmp_path / "c/a.mat", {"data": rng.normal(3000, 500, (8, 9, 5)), "map": np.zeros((8, 9))})
    np.save(tmp_path / "c/b.npy", rng.normal(0.3, 0.1, (7, 6, 6)).astype(np.float32))
    write_cube(tmp_path / "c/sub/c.tif", HSICube(rng.integers(-50, 5000, (10, 5, 9)).astype(np.int16)))
    return tmp_path


def test_scenes_of_any_band_count_become_one(folder):
    data = CorpusDataset(image_dir="c", data_root=folder, samples_per_scene=20, pipeline=PIPELINE)
    assert len(data) == 60
    samples = [data[SeededIndex(i, i)]["inputs"] for i in range(60)]
    assert {tuple(sample.shape) for sample in samples} == {(6, 4, 4)}
    values = torch.stack(samples).float()
    assert abs(values.mean()) < 0.2
    assert 0.5 < values.std() < 1.3
    assert torch.equal(samples[3], data[SeededIndex(3, 3)]["inputs"])
    assert len({tuple(sample.flatten().tolist()) for sample in samples[:20]}) > 10
    assert data.band_statistics().mean.shape == (6,)


def test_statistics_of_several_views_are_those_of_all_of_them(folder):
    views = dict(type="MultiView", transforms=[PIPELINE[2:4], PIPELINE[2:4]], num_views=[1, 2])
    pipeline = [*PIPELINE[:2], views, dict(type="PackViews")]
    data = CorpusDataset(image_dir="c", data_root=folder, samples_per_scene=8, pipeline=pipeline)
    single = CorpusDataset(image_dir="c", data_root=folder, samples_per_scene=8, pipeline=PIPELINE)
    assert data.band_statistics().count == 3 * single.band_statistics().count
    np.testing.assert_allclose(data.band_statistics().mean, single.band_statistics().mean, atol=1e-6)


@pytest.mark.parametrize("bands", [4, 32, 204, 430])
def test_band_resample_equals_numpy(bands):
    image = np.random.default_rng(0).normal(size=(3, 2, bands)).astype(np.float32)
    out = TRANSFORMS.build(dict(type="BandResample", num_bands=50))(
        dict(img=image, wavelengths=np.arange(bands) * 10.0)
    )
    at = np.linspace(0, bands - 1, 50)
    expected = [[np.interp(at, np.arange(bands), spectrum) for spectrum in row] for row in image]
    np.testing.assert_allclose(out["img"], expected, atol=1e-5)
    np.testing.assert_allclose(out["wavelengths"], 10 * at)


def test_standardise_scene_by_hand():
    image = np.array([[[5, 7, 1]]], dtype=np.uint16)
    results = dict(img=image, scene_mean=np.array([3.0, 8, 1]), scene_std=np.array([2.0, 4, 0]))
    out = TRANSFORMS.build(dict(type="StandardizeScene"))(results)
    assert out["img"].tolist() == [[[1.0, -0.25, 0.0]]]


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (dict(), ConfigError, "either scene or image_dir"),
        (dict(image_dir="c", samples_per_scene=0), ConfigError, "samples_per_scene=0"),
        (dict(image_dir="none"), DataError, "holds no scene"),
        (dict(image_dir="c", num_bands=6), DataError, r"a\.mat: 5 bands, num_bands=6 is expected"),
        (dict(scene="salinas_a"), ConfigError, "of form 'scene', expected 'corpus'"),
        (dict(scene="abu"), DataError, "no such file"),
    ],
)
def test_bad_input_is_one_clear_line(folder, keys, error, message):
    with pytest.raises(error, match=message) as caught:
        CorpusDataset(data_root=folder, pipeline=PIPELINE, **keys)
    assert "\n" not in str(caught.value)


def test_the_abu_corpus(shared_data):
    pipeline = [dict(PIPELINE[0], size=32), *PIPELINE[1:3], dict(type="BandResample", num_bands=200), PIPELINE[4]]
    data = CorpusDataset(scene="abu", data_root=str(shared_data), samples_per_scene=2, pipeline=pipeline)
    counts = {data.get_data_info(i)["file_bands"] for i in range(14)}
    assert len(counts) > 1
    assert counts <= set(range(191, 208))
    assert all(data[i]["inputs"].shape == (200, 32, 32) for i in range(14))


def test_scenes_smaller_than_the_windows_are_named_at_once(tmp_path):
    for name, shape in (("a", (40, 40, 3)), ("b", (20, 40, 3)), ("c", (40, 31, 3))):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).random(shape))
    pipeline = [dict(type="RandomReadWindow", size=32), dict(type="LoadCube")]
    with pytest.raises(DataError, match=r"2 of 3 scenes are smaller .* 32 x 32 pixels: b.npy \(20 x 40\), c.npy"):
        CorpusDataset(image_dir=".", data_root=str(tmp_path), pipeline=pipeline)
