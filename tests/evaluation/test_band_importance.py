"""What parts of a spectrum tell, where that is known."""

import numpy as np
import pytest

from mmhsi.errors import DataError
from mmhsi.evaluation.band_importance import band_importance
from mmhsi.io import HSICube, open_cube, write_cube
from mmhsi.visualization.band_importance import importance_figure
from mmhsi.visualization.spectra import class_spectra


@pytest.fixture
def spectra():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 200)
    values = rng.normal(size=(200, 6)).astype(np.float32)
    values[:, 2:4] += 6 * classes[:, None]  # nothing else tells the classes apart
    return values, classes, np.arange(200) // 20


def test_bands_that_tell_the_classes_apart_do_so_alone(spectra):
    values, classes, blocks = spectra
    groups = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    found = band_importance(values, classes, blocks, groups)
    assert found.alone.shape == (5, 3)
    alone = found.alone.mean(axis=0)
    assert alone[1] > 0.99  # 8 standard deviations apart along the sum of the two
    assert alone[[0, 2]] == pytest.approx([0.5, 0.5], abs=0.12)  # by chance
    assert found.together.mean() > 0.99
    assert found.chance == np.bincount(classes).max() / 200


def test_two_bands_that_say_the_same_say_it_each(spectra):
    values, classes, blocks = spectra
    alone = band_importance(values, classes, blocks, [np.array([2]), np.array([3])]).alone
    assert (alone.mean(axis=0) > 0.98).all()


def test_one_block_cannot_be_held_out(spectra):
    values, classes, _ = spectra
    with pytest.raises(DataError, match="2 classes in 1 blocks"):
        band_importance(values, classes, np.zeros(200, int), [np.array([0])])


def test_bars_lie_over_their_bands(spectra, tmp_path):
    values, classes, blocks = spectra
    groups = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    found = band_importance(values, classes, blocks, groups)
    centres = np.array([400.0, 410, 420, 430, 800, 810])
    cube = HSICube(values.reshape(-1, 1, 6), wavelengths=centres, name="s")
    write_cube(tmp_path / "s.tif", cube)
    with open_cube(tmp_path / "s.tif") as reader:
        known = class_spectra(reader, classes[:, None], 2)
    figure = importance_figure(found, groups, known, values.mean(axis=0))
    above, axis = figure.axes
    assert len(above.lines) == 2  # broken at the gap
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axis.patches]
    np.testing.assert_allclose(ends, [(395, 415), (415, 435), (795, 815)])
    np.testing.assert_allclose([bar.get_height() for bar in axis.patches], 100 * found.alone.mean(axis=0))
