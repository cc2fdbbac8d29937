"""A scene as one image: beside the pixels of SceneDataset, and beside what SceneChannels makes of the same files."""

import numpy as np
import pytest
from scene_files import CLASSES, write_files

from mmhsi.datasets import IGNORE_INDEX, FewShotSplit, SceneDataset, WholeSceneDataset
from mmhsi.errors import ConfigError


@pytest.fixture
def scene(tmp_path):
    root, _, _ = write_files(tmp_path)
    return dict(scene=dict(image="cube.mat", labels="gt.mat", **CLASSES), data_root=root)


@pytest.mark.parametrize("subset", ["train", "test"])
def test_only_the_pixels_of_the_subset_have_a_class(scene, subset):
    split = FewShotSplit(9, seed=3)
    pixels = SceneDataset(**scene, subset=subset, split=split)
    whole = WholeSceneDataset(**scene, subset=subset, split=split)
    found = whole[0]["gt_seg_map"]
    expected = {(each["row"], each["column"]): each["label"] for each in pixels}
    assert {place: found[place] for place in zip(*np.nonzero(found != IGNORE_INDEX), strict=True)} == expected
    assert (whole[0]["img"] == pixels.cube.data).all()
    assert whole.spec.window == (12, 15)
    assert whole.label_counts().tolist() == pixels.label_counts().tolist()
    assert whole.split.train.tolist() == pixels.split.train.tolist()
    assert whole.band_statistics().mean == pytest.approx(pixels.cube.data.mean((0, 1)))


def test_a_sample_that_is_written_into_leaves_the_scene_as_it_was(scene):
    whole = WholeSceneDataset(**scene, split=FewShotSplit(5))
    before = whole[0]["img"].copy()
    whole[0]["img"][:] = 0
    whole[0]["valid"][:] = False
    assert (whole[0]["img"] == before).all()
    assert whole[0]["valid"].all()


def test_targets_are_channels_of_the_same_scene(scene):
    channels = [dict(type="SceneChannels", groups=["ms"])]
    whole = WholeSceneDataset(**scene, subset="all", targets=channels)
    made = SceneDataset(**scene, subset="all", window=1, transforms=channels).cube.data
    assert whole[0]["gt_values"] == pytest.approx(made)
    assert "gt_seg_map" not in whole[0]
    facts = whole.spec.targets
    assert [fact["mean"] for fact in facts] == pytest.approx(made.mean((0, 1), dtype=float), abs=1e-6)
    assert [fact["std"] for fact in facts] == pytest.approx(made.std((0, 1), dtype=float), rel=1e-5)
    assert whole.spec.classes == ()


def test_targets_take_the_place_of_labels(scene):
    with pytest.raises(ConfigError, match="targets=… given with subset='train', expected 'all'"):
        WholeSceneDataset(**scene, split=FewShotSplit(5), targets=[dict(type="SceneChannels", groups=["ms"])])


def test_a_pixel_without_data_has_no_target(scene):
    cube = np.random.default_rng(1).normal(size=(12, 15, 6)).astype(np.float32)
    cube[2, 3] = np.nan
    np.save(scene["data_root"] / "holed.npy", cube)
    holed = scene | dict(scene=dict(image="holed.npy", **CLASSES))
    targets = [dict(type="SceneChannels", groups=["ms"])]
    values = WholeSceneDataset(**holed, subset="all", targets=targets)[0]["gt_values"]
    assert np.argwhere(np.isnan(values).all(axis=2)).tolist() == [[2, 3]]
    assert np.isnan(values).any(axis=2).sum() == 1


def test_a_second_source_has_to_be_used_up(scene, tmp_path):
    np.save(tmp_path / "second.npy", np.zeros((24, 30, 2), np.float32))
    given = scene | dict(scene=scene["scene"] | dict(second_image="second.npy", second_scale=2))
    with pytest.raises(ConfigError, match="no transform uses the second source up"):
        WholeSceneDataset(**given, split=FewShotSplit(5), use_second=True)
    used = [dict(type="SceneChannels", groups=["spectra", "finer"])]
    whole = WholeSceneDataset(**given, split=FewShotSplit(5), use_second=True, transforms=used)
    assert whole[0]["img"].shape == (12, 15, 6 + 4)
