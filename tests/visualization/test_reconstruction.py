"""Pictures of reconstructions: every value by the rule, and the figure around them."""

import sys

import numpy as np
import pytest

from mmhsi.errors import DataError
from mmhsi.visualization.palette import OKABE_ITO
from mmhsi.visualization.reconstruction import (
    AXIS,
    CAPTION,
    DPI,
    GAP,
    HIDDEN_GREY,
    PANEL,
    SHADE,
    SIDE,
    SPECTRUM,
    draw_reconstruction,
    hidden_runs,
    reconstruction_panels,
    spread_pixels,
)

RGB_BANDS = (4, 2, 0)


@pytest.fixture
def case():
    """Original, prediction, hidden values of two bands that are shown and one that is not, pixels without data."""
    rng = np.random.default_rng(0)
    original = rng.normal(1000, 200, (6, 5, 5))
    hidden = np.zeros(original.shape, dtype=bool)
    hidden[:3, :, 4] = True  # red
    hidden[:, :2, 0] = True  # blue
    hidden[:, :, 1] = True
    valid = np.ones((6, 5), dtype=bool)
    valid[2, 1:3] = False
    return original, original + rng.normal(0, 400, original.shape), hidden, valid


def test_every_value_follows_the_rule(case):
    original, prediction, hidden, valid = case
    panels = reconstruction_panels(original, prediction, hidden, valid, rgb_bands=RGB_BANDS)
    for channel, band in enumerate(RGB_BANDS):
        low, high = np.percentile(original[..., band][valid], (2, 98))
        for row, column in np.ndindex(6, 5):

            def level(cube, place=(row, column, band), low=low, high=high):
                return round(255 * min(max((cube[place] - low) / (high - low), 0), 1))

            covered = hidden[row, column, band]
            expected = [
                level(original),
                HIDDEN_GREY if covered else level(original),
                level(prediction) if covered else level(original),
            ]
            if not valid[row, column]:
                expected = [0, 0, 0]
            assert [int(panel[row, column, channel]) for panel in panels] == expected
    assert all(panel.dtype == np.uint8 and panel.shape == (6, 5, 3) for panel in panels)


def test_bands_by_wavelength():
    original = np.zeros((2, 2, 4)) + np.arange(4) * np.array([[0, 1], [2, 3]])[..., None]
    hidden = np.zeros(original.shape, dtype=bool)
    hidden[0, 0, 1] = True  # 550 nm: green
    _, masked, _ = reconstruction_panels(original, original, hidden, wavelengths=[460, 550, 640, np.nan])
    assert (masked[..., 1] == HIDDEN_GREY).tolist() == [[True, False], [False, False]]
    assert not (masked[..., 0] == HIDDEN_GREY).any()


def test_flat_bands_and_no_data_at_all():
    original, hidden = np.full((3, 3, 3), 7.0), np.zeros((3, 3, 3), dtype=bool)
    assert all((panel == 128).all() for panel in reconstruction_panels(original, original, hidden))
    nowhere = np.zeros((3, 3), dtype=bool)
    assert not np.any(reconstruction_panels(original, original, ~hidden, nowhere))
    assert draw_reconstruction(original, original, ~hidden, nowhere).any()


def test_shapes_must_agree():
    cube = np.zeros((3, 3, 4))
    with pytest.raises(DataError, match=r"\(3, 3, 4\), \(3, 3, 5\), \(3, 3, 4\) given"):
        reconstruction_panels(cube, np.zeros((3, 3, 5)), cube > 0)


def test_pixels_with_the_most_hidden_bands_are_chosen():
    hidden = np.zeros((4, 5, 3), dtype=bool)
    hidden[1:3] = True  # 10 candidates
    assert spread_pixels(hidden, None, 2) == [(1, 2), (2, 2)]
    valid = np.ones((4, 5), dtype=bool)
    valid[1] = False
    assert spread_pixels(hidden, valid, 9) == [(2, column) for column in range(5)]
    assert spread_pixels(hidden, ~valid & False, 3) == []
    hidden[:] = False
    assert len(spread_pixels(hidden, None, 3)) == 3


def test_runs():
    assert hidden_runs(np.array([1, 0, 1, 1, 0, 0, 1], dtype=bool)) == [(0, 0), (2, 3), (6, 6)]
    assert hidden_runs(np.zeros(3, dtype=bool)) == []


def panel_box(picture, index):
    """Rows and columns of a panel in a picture that has spectra."""
    bottom = len(picture) - round((AXIS + SPECTRUM + CAPTION) * DPI)
    left, side = round((GAP + index * (PANEL + GAP)) * DPI), round(PANEL * DPI)
    return slice(bottom - side, bottom), slice(left, left + side)


@pytest.mark.parametrize("size", [(3, 3), (9, 9)])
def test_small_windows_are_enlarged_without_smoothing(size):
    rng = np.random.default_rng(0)
    original = rng.random((*size, 3))
    prediction, hidden = rng.random(original.shape), np.repeat(rng.random((*size, 1)) < 0.5, 3, axis=2)
    picture = draw_reconstruction(original, prediction, hidden, num_pixels=1, title="a title")
    assert picture.dtype == np.uint8
    marked = spread_pixels(hidden, None, 1)[0]
    for index, panel in enumerate(reconstruction_panels(original, prediction, hidden)):
        drawn = picture[panel_box(picture, index)]
        step = len(drawn) / size[0]
        for row, column in np.ndindex(*size):
            if (row, column) == marked:
                continue
            # A quarter inside on both sides: one colour all over, none of it mixed with a neighbour's.
            rows, columns = (slice(round((i + 0.25) * step), round((i + 0.75) * step)) for i in (row, column))
            assert (drawn[rows, columns] == panel[row, column]).all()


def has(picture, colour):
    return (picture == np.array(colour)).all(-1)


def test_spectra_show_hidden_bands_alone():
    original = np.linspace(100, 200, 40)[None, None].repeat(4, 0).repeat(4, 1)
    hidden = np.zeros(original.shape, dtype=bool)
    nothing = draw_reconstruction(original, original + 50, hidden, num_pixels=1)
    shade = tuple(int(SHADE[i : i + 2], 16) for i in (1, 3, 5))
    assert has(nothing, shade).sum(0).max() < 20  # the edges of letters alone
    hidden[..., 10:20] = True
    some = draw_reconstruction(original, original + 50, hidden, num_pixels=1)
    shaded = np.flatnonzero(has(some, shade).sum(0) > 20)
    left, width = SIDE * DPI, some.shape[1] - (SIDE + GAP) * DPI
    # Bands 10 to 19 of 0 to 39, half a band more on each side.
    assert shaded.min() == pytest.approx(left + 9.5 / 39 * width, abs=2)
    assert shaded.max() == pytest.approx(left + 19.5 / 39 * width, abs=2)
    coloured = np.flatnonzero(has(some[-240:], OKABE_ITO[0]).any(0))
    assert coloured.size
    assert shaded.min() - 3 <= coloured.min() <= coloured.max() <= shaded.max() + 3


def test_pyplot_is_left_alone():
    original = np.random.default_rng(0).random((4, 4, 3))
    before = "matplotlib.pyplot" in sys.modules
    draw_reconstruction(original, original, original > 0.5)
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_wavelengths_that_do_not_rise():
    original = np.random.default_rng(0).random((4, 4, 5))
    wavelengths = np.array([400.0, 500, 480, 600, 700])
    order = np.argsort(wavelengths)
    hidden = np.zeros(original.shape, dtype=bool)
    hidden[..., 1] = True
    first = draw_reconstruction(original, original + 1, hidden, wavelengths=wavelengths)
    second = draw_reconstruction(
        original[..., order], original[..., order] + 1, hidden[..., order], wavelengths=wavelengths[order]
    )
    assert np.array_equal(first, second)
