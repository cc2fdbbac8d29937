"""Channels of a whole scene and of its parts, their fitted state, and what a local channel sees."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.replay import Replay
from mmhsi.datasets.transforms import SceneChannels, scene_channels
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube
from mmhsi.registry import CHANNELS, TRANSFORMS
from mmhsi.spec import InputSpec

HEIGHT, WIDTH, BANDS, SCALE = 160, 21, 8, 2


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    rng = np.random.default_rng(seed)
    image = gaussian_filter(rng.normal(1000, 300, (HEIGHT, WIDTH, BANDS)), (2, 2, 1))
    second = gaussian_filter(rng.normal(100, 40, (HEIGHT * SCALE, WIDTH * SCALE, 3)), (1, 1, 0))
    valid = rng.random((HEIGHT, WIDTH)) > 0.02
    return image.astype(np.float32), valid, second.astype(np.float32), SCALE


def sample(parts: tuple) -> dict:
    image, valid, second, scale = parts
    finer = {} if second is None else dict(second=second, second_scale=scale)
    return dict(img=image, valid=valid, wavelengths=np.arange(BANDS) + 400.0, fwhm=None, **finer)


def channels(transform: SceneChannels, parts: tuple) -> np.ndarray:
    return transform(sample(parts))["img"]


@pytest.fixture(scope="module")
def fitted() -> SceneChannels:
    transform = SceneChannels()
    transform.fit([scene()])
    return transform


def test_groups_by_default(fitted):
    without = SceneChannels()
    image, valid, _, _ = scene()
    without.fit([(image, valid, None, 1)])
    assert channels(fitted, scene()).shape == (HEIGHT, WIDTH, 48 + 42 + 28 + 42 + 72)
    assert channels(without, (image, valid, None, 1)).shape == (HEIGHT, WIDTH, BANDS + 48 + 42 + 28 + 72)


def test_second_source_is_taken_away(fitted):
    made = fitted(sample(scene()))
    assert "second" not in made
    assert made["wavelengths"] is None


@pytest.mark.parametrize("local", [False, True])
def test_bands_of_rows_give_what_the_whole_scene_gives(local, monkeypatch):
    transform = SceneChannels(local=local)
    transform.fit([scene()])
    whole = channels(transform, scene())
    monkeypatch.setattr(scene_channels, "BUDGET", 1)
    assert 2 * transform.margin < HEIGHT
    assert np.array_equal(channels(transform, scene()), whole)


def test_margin_is_what_a_channel_depends_on(fitted):
    """Other values beyond the margin change nothing; those on it do."""
    image, valid, second, scale = scene()
    before = channels(fitted, (image, valid, second, scale))[0]
    for first, same in ((fitted.margin + 1, True), (fitted.margin - 8, False)):
        other, finer, mask = image.copy(), second.copy(), valid.copy()
        other[first:] *= 3
        finer[first * scale :] += 80
        after = channels(fitted, (other, mask, finer, scale))[0]
        assert np.array_equal(before, after) == same


def test_local_channels_see_nothing_outside_the_window():
    """Every other pixel is given other values: the centre keeps every channel to the last bit."""
    transform = SceneChannels(local=True, window=5)
    transform.fit([scene()])
    image, valid, second, scale = scene()
    foreign = scene(seed=1)
    row, column = 40, 10
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[row - 2 : row + 3, column - 2 : column + 3] = True
    fine = inside.repeat(scale, 0).repeat(scale, 1)[..., None]
    mixed = (
        np.where(inside[..., None], image, foreign[0]),
        np.where(inside, valid, foreign[1]),
        np.where(fine, second, foreign[2]),
        scale,
    )
    own, other = channels(transform, (image, valid, second, scale)), channels(transform, mixed)
    assert np.array_equal(own[row, column], other[row, column])
    assert not np.array_equal(own[row, column + 1], other[row, column + 1])


@pytest.mark.parametrize("short", ["emp", "ms", "nemp", "texture", "words"])
def test_each_local_family_uses_the_window(short):
    """A pixel at the window's corner changes some channel, one behind it none."""
    transform = SceneChannels(groups=[short], local=True, window=5)
    transform.fit([scene()])
    image, valid, second, scale = scene()
    before = channels(transform, (image, valid, second, scale))[40, 10]
    for offset, seen in ((2, True), (3, False)):
        other, finer = image.copy(), second.copy()
        at = slice(40 - offset, 40 - offset + 1)
        other[at, 8:13] = image.min() - 2000
        finer[80 - 2 * offset : 82 - 2 * offset, 16:26] = 500
        assert np.array_equal(before, channels(transform, (other, valid, finer, scale))[40, 10]) != seen


def test_saved_and_built_again_it_is_the_same(fitted):
    kept = json.loads(json.dumps(fitted.fitted({})))
    again = TRANSFORMS.build(dict(type="SceneChannels", **kept))
    assert np.array_equal(channels(again, scene(3)), channels(fitted, scene(3)))
    again.fit([scene(5)])  # fitted already: it stays as it is
    assert np.array_equal(again.basis.mean, fitted.basis.mean)


def test_a_constant_band_stays_at_its_scale_in_the_next_scene():
    """Its float64 mean is rounded, which is no spread to divide the next scene by."""
    image, valid, second, scale = scene()
    image, second = image.astype(np.float64), second.astype(np.float64)
    image[..., 2] = second[..., 1] = 0.1
    transform = SceneChannels(groups=["spectra", "components", "finer", "words"])
    transform.fit([(image, valid, second, scale)])
    before = channels(transform, (image, valid, second, scale))
    image[..., 2] = second[..., 1] = 0.1001
    after = channels(transform, (image, valid, second, scale))
    moved = np.zeros(before.shape[2])
    moved[[2, BANDS + 6 + 1]] = 1e-4
    np.testing.assert_allclose(after[valid], before[valid] + moved, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_spectra_that_differ_in_brightness_alone(dtype):
    """One principal component is all there is, and none of the spectra of unit length; the rest is rounding."""
    light = np.random.default_rng(0).uniform(0.5, 2, (40, 21, 1))
    image = (np.linspace(0.2, 1, 6) * light).astype(dtype)
    valid = np.ones((40, 21), bool)
    transform = SceneChannels(groups=["components", "nemp"])
    transform.fit([(image, valid, None, 1)])
    made = transform(dict(img=image, valid=valid))["img"]
    assert made[..., 0].std() == pytest.approx(1, rel=1e-4)
    assert not made[..., 1:].any()


def test_scene_dataset_fits_and_keeps_it(generated_data):
    options = dict(scene="houston2018_crop", data_root=generated_data, window=1, subset="labeled", use_second=True)
    dataset = SceneDataset(**options, transforms=[dict(type="SceneChannels")])
    spec = InputSpec.from_meta(json.loads(json.dumps(dataset.metainfo)), "test")
    assert (spec.num_bands, spec.second_bands, spec.second_in_transforms) == (232, 3, True)
    assert dataset.second is None
    raw = SceneDataset(**options)
    replay = Replay(list(spec.transforms), "test")
    cube = HSICube(raw.cube.data, name="cube")
    again = replay(cube, raw.valid_pixels, raw.second, raw.second_scale)
    assert np.array_equal(again.data, dataset.cube.data)


def test_data_sets_of_one_scene_share_its_channels(generated_data):
    options = dict(scene="salinas_a", data_root=generated_data, window=1, subset="all")
    one = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=["ms"])])
    two = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=["ms"])])
    other = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=["emp"])])
    assert one.cube.data is two.cube.data
    assert other.cube.data.shape != one.cube.data.shape


def test_families_are_listed_under_their_short_names():
    shorts = [family.short for family in CHANNELS.module_dict.values()]
    assert len(set(shorts)) == len(shorts) >= 7


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (dict(groups=["emb"]), "'emb' is unknown, expected some of components, emp"),
        (dict(groups=[]), "groups is empty"),
        (dict(window=4), "odd number"),
        (dict(groups=[dict(type="emp", radius=3)]), "radius"),
        (dict(groups=[dict(type="words", words=1)]), "at least 2"),
        (dict(groups=[dict(type="ms", means=[0])]), "positive"),
        (dict(groups=[dict(type="ms", means=[float("inf")])]), "positive"),
        (dict(groups=[5]), "group 5 is unknown"),
        (dict(groups=[["emp"]]), "is unknown"),
        (dict(components=2.5), r"SceneChannels: components=2\.5"),
        (dict(components=-1), "SceneChannels: components=-1"),
        (dict(groups=[dict(type="ms", count=0)]), "MultiScale: count=0"),
        (dict(groups=[dict(type="emp", count=0)]), "MorphologicalProfiles: count=0"),
        (dict(groups=[dict(type="nemp", steps=2.5)]), r"NormalizedProfiles: steps=2\.5"),
        (dict(groups=[dict(type="words", count=0)]), "WordHistograms: count=0"),
        (dict(groups=[dict(type="words", seed=-1)]), "seed=-1"),
        (dict(groups="emp"), r"SceneChannels: groups='emp' given, expected a list such as \['emp', 'ms'\]"),
        (dict(groups=dict(type="emp")), r"SceneChannels: groups={'type': 'emp'} given, expected a list"),
        (dict(groups=3), "SceneChannels: groups=3 given, expected a list"),
        (dict(cache_mb=None), "SceneChannels: cache_mb=None given, expected a number of at least 0"),
        (dict(cache_mb="256"), "SceneChannels: cache_mb='256' given, expected a number of at least 0"),
        (dict(cache_mb=float("nan")), "SceneChannels: cache_mb=nan given, expected a number of at least 0"),
        (dict(window=None), "SceneChannels: window=None given, expected an odd number"),
        (dict(window="9"), "SceneChannels: window='9' given, expected an odd number"),
        (dict(components=None), "SceneChannels: components=None given, expected a whole number"),
        (dict(scale=float("nan")), "SceneChannels: scale=nan given, expected a whole number"),
        (dict(local="no"), "SceneChannels: local='no' given, expected True or False"),
        (dict(basis=[1.0]), "SceneChannels: basis is a list, expected the arrays"),
        (dict(groups=[dict(type="emp", radii=3)]), "MorphologicalProfiles: radii=3 given, expected a list of whole"),
        (
            dict(groups=[dict(type="nemp", radii=None)]),
            "NormalizedProfiles: radii=None given, expected a list of whole",
        ),
        (dict(groups=[dict(type="ms", spreads=2)]), "MultiScale: spreads=2 given, expected a list of positive"),
        (dict(groups=[dict(type="ms", means="12")]), "MultiScale: means='12' given, expected a list of positive"),
        (
            dict(groups=[dict(type="words", scales=None)]),
            "WordHistograms: scales=None given, expected a list of positive",
        ),
        (dict(groups=[dict(type="words", scales=[float("nan")])]), r"WordHistograms: scales=\[nan\] given"),
        (dict(groups=[dict(type="words", words="24")]), "WordHistograms: words='24' given, expected a whole number"),
        (dict(groups=[dict(type="words", offset="a")]), "SceneChannels: group WordHistograms: could not convert"),
        (
            dict(groups=[dict(type="texture", frequencies=0.1)]),
            r"FinerTexture: frequencies=0\.1 given, expected a list",
        ),
        (dict(groups=[dict(type="texture", gabor_smoothing=None)]), r"gabor_smoothing, .*\(None, 6\) given"),
    ],
)
def test_arguments_that_cannot_work(config, message):
    with pytest.raises(ConfigError, match=message):
        SceneChannels(**config)


def test_scenes_that_do_not_fit(fitted):
    image, valid, second, scale = scene()
    with pytest.raises(DataError, match="fitted on 8"):
        channels(fitted, (image[..., :5], valid, second, scale))
    with pytest.raises(DataError, match="given none"):
        channels(fitted, (image, valid, None, 1))
    with pytest.raises(ConfigError, match="not fitted"):
        channels(SceneChannels(), (image, valid, second, scale))
    with pytest.raises(ConfigError, match="use_second=True"):
        SceneChannels(groups=["texture"]).fit([(image, valid, None, 1)])


@pytest.mark.parametrize("groups", [None, ["finer"], ["texture"]])
def test_a_second_source_that_is_not_finite_where_it_should_hold_data(groups):
    image, valid, second, scale = scene()
    row, column = (~valid).nonzero()[0][0], (~valid).nonzero()[1][0]
    second[row * scale, column * scale] = np.nan  # where there is no data it may be
    SceneChannels(groups=groups).fit([(image, valid, second, scale)])
    valid[row, column] = True
    with pytest.raises(DataError, match="the second source is NaN or infinite where it should hold data"):
        SceneChannels(groups=groups).fit([(image, valid, second, scale)])


def test_tiles_whose_second_sources_differ():
    image, valid, second, scale = scene()
    fine = second.repeat(2, axis=0).repeat(2, axis=1)
    for other in ((fine, 2 * scale), (second[..., :2], scale), (None, 1)):
        with pytest.raises(DataError, match=r"second sources of \(bands, scale\) \(3, 2\) and .*; expected one kind"):
            SceneChannels().fit([(image, valid, second, scale), (image, valid, *other)])
    with pytest.raises(DataError, match=r"of \(320, 42\) pixels at scale 3 does not cover an image of \(160, 21\)"):
        SceneChannels().fit([(image, valid, second, 3)])


def test_a_window_of_one_pixel_has_no_texture():
    with pytest.raises(ConfigError, match="window=1 shows no neighbours, of which FinerTexture is made"):
        SceneChannels(local=True, window=1).fit([scene()])
    transform = SceneChannels(["emp", "ms", "nemp", "finer", "words"], local=True, window=1)
    transform.fit([scene()])
    image, valid, second, scale = scene()
    made = channels(transform, (image, valid, second, scale))
    alone = channels(transform, (image[40:41, 10:11], valid[40:41, 10:11], second[80:82, 20:22], scale))
    assert np.array_equal(made[40, 10], alone[0, 0])
