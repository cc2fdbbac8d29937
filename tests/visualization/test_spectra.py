"""Class spectra against a loop over pixels."""

import numpy as np
import pytest
from PIL import Image

from mmhsi.errors import DataError
from mmhsi.io import HSICube, open_cube, write_cube
from mmhsi.visualization import spectra as module
from mmhsi.visualization.png import save_figure
from mmhsi.visualization.spectra import class_spectra, gapless_pieces, spectra_figure

NAMES, PALETTE = ["a", "b", "c"], [(200, 0, 0), (0, 200, 0), (0, 0, 200)]


@pytest.fixture
def scene(tmp_path):
    rng = np.random.default_rng(0)
    data = rng.integers(100, 9000, (9, 7, 5)).astype(np.int16)
    data[2, 3, 1] = -9  # without data in a good band
    data[4, 4, 2] = -9  # in a bad band, which does not count
    good = np.array([True, True, False, True, True])
    wavelengths = np.array([500.0, 400, 450, 700, 600])
    write_cube(tmp_path / "s.tif", HSICube(data, wavelengths=wavelengths, good_bands=good, nodata=-9))
    classes = rng.choice([0, 1, 255], (9, 7)).astype(np.uint8)
    return tmp_path / "s.tif", data, classes


@pytest.mark.parametrize("values", [1 << 24, 60])  # all rows at once, and two at a time
def test_mean_and_deviation(scene, values, monkeypatch):
    monkeypatch.setattr(module, "VALUES_AT_A_TIME", values)
    path, data, classes = scene
    with open_cube(path) as reader:
        result = class_spectra(reader, classes, 3)
    assert result.wavelengths.tolist() == [400, 500, 600, 700]
    assert result.unit == "wavelength in nm"
    held = classes < 3
    held[2, 3] = False
    np.testing.assert_array_equal(result.taken, held)
    for index in range(2):
        rows = []
        for row, column in np.ndindex(9, 7):
            if classes[row, column] == index and (row, column) != (2, 3):
                rows.append([float(data[row, column, band]) for band in (1, 0, 4, 3)])
        assert result.counts[index] == len(rows)
        np.testing.assert_allclose(result.mean[index], np.mean(rows, axis=0))
        np.testing.assert_allclose(result.std[index], np.std(rows, axis=0))
        np.testing.assert_allclose(result.quantiles[:, index], np.percentile(rows, (10, 90), axis=0))
    assert result.counts[2] == 0
    assert np.isnan(result.mean[2]).all()
    assert np.isnan(result.std[2]).all()


def test_without_wavelengths_bands_are_numbered(tmp_path):
    np.save(tmp_path / "s.npy", np.ones((3, 4, 6)))
    with open_cube(tmp_path / "s.npy") as reader:
        result = class_spectra(reader, np.zeros((3, 4), int), 1)
        assert (result.unit, result.wavelengths.tolist()) == ("band", [0, 1, 2, 3, 4, 5])
        with pytest.raises(DataError, match=r"3 x 4 pixels, the class map has shape \(4, 3\)"):
            class_spectra(reader, np.zeros((4, 3), int), 1)


def test_figure_has_the_colours_of_its_classes(scene, tmp_path):
    path, _, classes = scene
    with open_cube(path) as reader:
        result = class_spectra(reader, classes, 3)
        none = class_spectra(reader, np.full_like(classes, 255), 3)
    save_figure(tmp_path / "s.png", spectra_figure(result, NAMES, PALETTE, "title"))
    colours = set(map(tuple, np.asarray(Image.open(tmp_path / "s.png").convert("RGB")).reshape(-1, 3).tolist()))
    assert set(PALETTE[:2]) <= colours
    assert PALETTE[2] not in colours  # no pixel of this class
    for known, said in ((False, "value as it is read"), (True, "reflectance")):
        drawn = spectra_figure(result._replace(reflectance=known), NAMES, PALETTE)
        assert drawn.axes[0].get_ylabel() == said
    with pytest.raises(DataError, match="0 pixels in all"):
        spectra_figure(none, NAMES, PALETTE)


def test_lines_break_at_missing_bands_and_at_another_detector():
    centres = np.array([400.0, 410, 420, 415, 425, 435, 600, 610])
    assert gapless_pieces(np.arange(8), centres).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    left_out = np.array([0, 1, 2, 6, 7])
    assert gapless_pieces(left_out, 400 + 10.0 * left_out).tolist() == [0, 0, 0, 1, 1]
    assert gapless_pieces(np.array([0, 2, 4]), np.array([400.0, 420, 440])).tolist() == [0, 0, 0]  # evenly thinned
    assert gapless_pieces(np.array([3]), np.array([500.0])).tolist() == [0]


def test_a_figure_has_a_line_a_piece(tmp_path):
    good = np.ones(12, bool)
    good[4:8] = False
    cube = HSICube(np.ones((3, 4, 12)), wavelengths=400 + 10.0 * np.arange(12), good_bands=good)
    write_cube(tmp_path / "s.tif", cube)
    with open_cube(tmp_path / "s.tif") as reader:
        figure = spectra_figure(class_spectra(reader, np.zeros((3, 4), int), 1), NAMES[:1], PALETTE[:1])
    drawn = [line.get_xdata().tolist() for line in figure.axes[0].lines]
    assert drawn == [[400, 410, 420, 430], [480, 490, 500, 510]]


def test_the_brightest_class_is_shown_whole_and_a_spike_is_cut(tmp_path):
    values = np.full((6, 6, 100), 0.1)
    values[0, :2, 60:62] = 0.6  # a plateau of one class, too small a share of all values to count among them
    values[:, :, 80] = 30.0  # an absorption band of the air
    classes = np.tile(np.arange(3), (6, 2)).reshape(6, 6)
    classes[0, :2] = 3
    write_cube(tmp_path / "s.tif", HSICube(values, wavelengths=400 + 10.0 * np.arange(100)))
    names, palette = [*NAMES, "bright"][-4:], [*PALETTE, (1, 2, 3)][-4:]
    with open_cube(tmp_path / "s.tif") as reader:
        figure = spectra_figure(class_spectra(reader, classes, 4), names, palette)
    assert 0.6 < figure.axes[0].get_ylim()[1] < 2
