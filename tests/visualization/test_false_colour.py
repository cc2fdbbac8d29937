import numpy as np
import pytest

from mmhsi.errors import ConfigError, DataError
from mmhsi.visualization import false_colour, rgb_band_indices


def slow_stretch(channel: np.ndarray, shown: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    low, high = np.percentile([value for value, ok in zip(channel.flat, shown.flat, strict=True) if ok], percentiles)
    picture = np.zeros(channel.shape, dtype=np.uint8)
    for row, col in np.ndindex(channel.shape):
        if shown[row, col]:
            share = (channel[row, col] - low) / (high - low)
            picture[row, col] = round(255 * min(max(share, 0.0), 1.0))
    return picture


def test_nearest_bands_by_hand():
    wavelengths = [450, 470, 540, 561, 630, 655, 900]
    assert rgb_band_indices(7, wavelengths) == (4, 2, 0)  # 630 is 10 off, 655 is 15; 540 10, 561 11; 450 and 470 tie


def test_bad_and_unknown_bands_are_passed_over():
    wavelengths = [450, 470, 540, 561, 630, 655, float("nan")]
    good = [False, True, True, True, False, True, True]
    assert rgb_band_indices(7, wavelengths, good_bands=good) == (5, 2, 1)


def test_descending_wavelengths_and_other_targets():
    assert rgb_band_indices(4, [2200, 1600, 850, 650], rgb_nm=(2200, 1650, 840)) == (0, 1, 2)


def test_given_bands_serve_where_wavelengths_do_not():
    assert rgb_band_indices(10, bands=(7, 1, 2)) == (7, 1, 2)
    assert rgb_band_indices(10, np.linspace(400, 850, 10), bands=(7, 1, 2)) == (5, 3, 1)
    assert rgb_band_indices(10, np.linspace(1000, 2500, 10), bands=(7, 1, 2)) == (7, 1, 2)  # nothing visible


@pytest.mark.parametrize(("count", "expected"), [(101, (75, 50, 25)), (5, (3, 2, 1)), (3, (2, 1, 0)), (1, (0, 0, 0))])
def test_spread_over_the_range_where_nothing_is_known(count, expected):
    assert rgb_band_indices(count) == expected


def test_spread_over_good_bands():
    good = np.zeros(20, dtype=bool)
    good[[2, 5, 6, 8, 19]] = True
    assert rgb_band_indices(20, good_bands=good) == (8, 6, 5)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_stretch_equals_a_slow_loop(dtype):
    rng = np.random.default_rng(0)
    cube = rng.integers(0, 4000, size=(9, 7, 6)).astype(dtype)
    valid = rng.random((9, 7)) > 0.2
    cube[~valid] = 32767
    picture = false_colour(cube, bands=(4, 0, 2), valid=valid, percentiles=(5, 90))
    assert picture.dtype == np.uint8
    for channel, band in enumerate((4, 0, 2)):
        np.testing.assert_array_equal(
            picture[..., channel], slow_stretch(cube[..., band].astype(float), valid, (5, 90))
        )
    assert (picture[~valid] == 0).all()


def test_pixels_that_are_not_finite_are_black_and_do_not_count():
    rng = np.random.default_rng(1)
    cube = rng.random((6, 6, 3))
    shown = np.ones((6, 6), dtype=bool)
    cube[0, 0, 1], cube[3, 2, 0] = np.nan, np.inf
    shown[0, 0] = shown[3, 2] = False
    picture = false_colour(cube, bands=(0, 1, 2))
    assert (picture[~shown] == 0).all()
    np.testing.assert_array_equal(picture[..., 2], slow_stretch(cube[..., 2], shown, (2, 98)))


def test_constant_band_is_grey_and_others_are_unharmed():
    cube = np.zeros((10, 10, 3), dtype=np.uint16)
    cube[..., 0] = 500
    cube[..., 1] = np.arange(100).reshape(10, 10)
    cube[5, 5, 2] = 9  # one outlier, beyond the percentiles
    picture = false_colour(cube, bands=(0, 1, 2))
    assert (picture[..., 0] == 128).all()
    np.testing.assert_array_equal(picture[..., 1], slow_stretch(cube[..., 1], np.ones((10, 10), bool), (2, 98)))
    assert picture[5, 5, 2] == 255


def test_nothing_valid_is_black():
    cube = np.ones((4, 5, 3), dtype=np.uint16)
    assert not false_colour(cube, valid=np.zeros((4, 5), dtype=bool)).any()


def test_input_is_not_changed_and_only_three_bands_are_read():
    class Watched(np.ndarray):
        taken: list[tuple[int, ...]] = []

        def astype(self, *args, **kwargs):
            Watched.taken.append(self.shape)
            return np.asarray(self).astype(*args, **kwargs)

    cube = np.random.default_rng(2).integers(0, 99, size=(5, 4, 50)).astype(np.uint16)
    before = cube.copy()
    false_colour(cube.view(Watched), np.linspace(400, 2400, 50), good_bands=np.ones(50, bool))
    np.testing.assert_array_equal(cube, before)
    assert Watched.taken == [(5, 4)] * 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"wavelengths": [400, 500]}, DataError, "wavelengths"),
        ({"good_bands": [True]}, DataError, "good_bands"),
        ({"valid": np.ones((3, 3), bool)}, DataError, "valid"),
        ({"bands": (0, 1)}, ConfigError, "bands"),
        ({"bands": (0, 1, 6)}, ConfigError, "bands"),
        ({"bands": (0, 1, -1)}, ConfigError, "bands"),
        ({"rgb_nm": (600, 500)}, ConfigError, "rgb_nm"),
        ({"percentiles": (98, 2)}, ConfigError, "percentiles"),
    ],
)
def test_what_cannot_work_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        false_colour(np.ones((4, 5, 6)), **arguments)


def test_a_single_band_without_its_axis_is_refused():
    with pytest.raises(DataError, match="H, W, C"):
        false_colour(np.ones((4, 5)))
