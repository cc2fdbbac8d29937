import numpy as np
import pytest

from mmhsi.errors import DataError
from mmhsi.io import nanometres_per_unit, nearest_band

NANOMETRES = np.array([400.0, 2500.0])
MICROMETRES = np.array([0.4, 2.5])


@pytest.mark.parametrize("units", ["nm", "Nanometers", " nanometres ", "NM"])
def test_nanometres(units):
    assert nanometres_per_unit(units, MICROMETRES) == 1.0


@pytest.mark.parametrize("units", ["um", "Micrometers", "\u00b5m", "\u03bcm", "micrometre", "Microns"])
def test_micrometres(units):
    assert nanometres_per_unit(units, NANOMETRES) == 1000.0


@pytest.mark.parametrize("units", ["Wavenumber", "Index", "GHz", "MHz", "cm-1"])
def test_units_that_are_no_length(units):
    assert nanometres_per_unit(units, NANOMETRES) is None


@pytest.mark.parametrize("units", [None, "", "Unknown", "furlongs"])
def test_unknown_units_are_guessed_from_the_values(units):
    assert nanometres_per_unit(units, NANOMETRES) == 1.0
    assert nanometres_per_unit(units, MICROMETRES) == 1000.0
    assert nanometres_per_unit(units, None) is None


def test_nearest_band_of_overlapping_spectrometers():
    wavelengths = np.array([655.0, 665.0, 675.0, 656.5, 666.5])  # not monotonic, as AVIRIS
    assert nearest_band(wavelengths, 657.0) == 3
    assert nearest_band(wavelengths, 100.0) == 0
    assert nearest_band(wavelengths, 9999.0) == 2


@pytest.mark.parametrize(
    ("wavelengths", "nm"), [([], 500.0), ([[500.0]], 500.0), ([500.0, float("nan")], 500.0), ([500.0], float("inf"))]
)
def test_nearest_band_refuses(wavelengths, nm):
    with pytest.raises(DataError, match="nearest_band"):
        nearest_band(np.array(wavelengths), nm)
