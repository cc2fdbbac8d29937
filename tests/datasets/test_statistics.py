"""Band statistics, part by part."""

import numpy as np
import pytest

from mmhsi.datasets.statistics import BandStatistics, require_data
from mmhsi.errors import DataError
from mmhsi.io import HSICube


@pytest.mark.parametrize("bands", [4, 204, 430])
def test_parts_give_the_mean_and_std_of_the_whole(bands):
    rng = np.random.default_rng(0)
    values = rng.normal(rng.uniform(0, 9000, bands), rng.uniform(1, 500, bands), (1000, bands)).astype(np.float32)
    statistics = BandStatistics(bands)
    for part in np.split(values, [1, 1, 300, 999]):
        statistics.update(part)
    np.testing.assert_allclose(statistics.mean, values.astype(np.float64).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(statistics.std, values.astype(np.float64).std(axis=0), rtol=1e-7)


def test_integers_do_not_overflow():
    statistics = BandStatistics(1)
    statistics.update(np.full((100_000, 1), 65_000, dtype=np.uint16))
    assert statistics.mean[0] == 65_000


@pytest.mark.parametrize("value", [0.1, -5000.1, 1e20 / 3])
def test_rounding_of_a_constant_is_no_spread(value):
    """Its float64 mean is off in the last bits, so that the values seem to differ from it."""
    band = np.full(5023, value)
    assert band.std() > 0
    varies = value + abs(value) * 1e-7 * np.random.default_rng(0).normal(size=band.size)
    statistics = BandStatistics(2)
    for part in np.split(np.stack([band, varies], axis=1), [1, 100, 1407]):
        statistics.update(part)
    assert statistics.std[0] == 0
    assert statistics.std[1] == pytest.approx(varies.std(), rel=1e-3)


@pytest.mark.parametrize(("fill", "nodata"), [(np.nan, None), (-32768.0, -32768.0)])
def test_a_band_without_any_data_is_named_unless_flagged_bad(fill, nodata):
    data = np.ones((3, 4, 5), dtype=np.float32)
    data[:, :, 2] = fill
    flags = np.ones(5, dtype=bool)
    with pytest.raises(DataError, match=r"scene\.tif: 1 band\(s\) hold nothing but nodata or NaN \(0-based: 2\)"):
        require_data(HSICube(data, nodata=nodata, good_bands=flags, name="scene.tif"))
    flags[2] = False
    require_data(HSICube(data, nodata=nodata, good_bands=flags, name="scene.tif"))
