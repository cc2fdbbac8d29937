"""A DataArray in, a Dataset with its place out."""

import numpy as np
import pytest
import rioxarray  # noqa: F401, the accessor
from affine import Affine
from rasterio.crs import CRS

from mmhsi.estimator import SceneClassifier
from mmhsi.inference.stac import item_path
from mmhsi.io import HSICube

PLACE = dict(crs=CRS.from_epsg(32633), transform=Affine(30, 0, 366000, 0, -30, 5800000))


@pytest.mark.slow
def test_the_map_lies_where_the_array_lies(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.repeat([[1, 2]], 12, axis=1).repeat(24, axis=0)
    data = (truth[..., None] + rng.normal(0, 0.2, (24, 24, 8))).astype(np.float32)
    array = HSICube(data, np.linspace(400, 1000, 8), **PLACE).to_xarray().transpose("band", "y", "x")
    labels = np.where(rng.random((24, 24)) < 0.3, truth, 0)
    model = SceneClassifier(minutes=1, models="lda").fit(array, labels)
    result = model.predict(array)
    found = result.to_xarray()
    assert found.rio.crs.to_epsg() == 32633
    assert found.rio.transform() == PLACE["transform"]
    np.testing.assert_array_equal(found.classes.values, result.classes)
    np.testing.assert_array_equal(found.probabilities.values, result.probabilities)
    assert found.class_name.values.tolist() == result.names
    np.testing.assert_allclose(found.x[:2], [366015, 366045])
    result.save(tmp_path / "kept.tif", doubt=tmp_path / "doubt.tif")
    item = item_path(tmp_path / "kept.tif").read_text()
    assert '"href": "doubt.tif"' in item
    assert '"overall": ' in item
    assert (tmp_path / "kept.qml").exists()
    assert (tmp_path / "kept.tif.aux.xml").exists()
