"""Numbers of labels that may mean something else than they are read as."""

import numpy as np
import pytest
import rasterio

from mmhsi.errors import DataWarning
from mmhsi.estimator.scene_files import describe_labels


def labels(path, values, nodata):
    values = np.resize(np.array(values, np.uint8), (6, 6))
    with rasterio.open(path, "w", "GTiff", 6, 6, 1, dtype="uint8", nodata=nodata) as file:
        file.write(values, 1)
    return path


@pytest.mark.parametrize(
    ("values", "nodata", "ids", "said"),
    [
        ([0, 1, 2, 255], 255, [1, 2], "0 is read as no label, as its no-data value 255 is"),
        ([0, 1, 2, 255], None, [1, 2, 255], "255 is read as a class"),
        ([0, 1, 2], None, [1, 2], None),
        ([0, 1, 2], 0, [1, 2], None),
        ([1, 2, 255], 255, [1, 2], None),
        ([0, 1, 200, 255], None, [1, 200, 255], None),  # numbers up to 255 are in use
    ],
)
def test_doubtful_numbers_are_said(tmp_path, recwarn, values, nodata, ids, said):
    assert describe_labels(labels(tmp_path / "labels.tif", values, nodata), None, None, None)["label_ids"] == ids
    told = [str(warning.message) for warning in recwarn if issubclass(warning.category, DataWarning)]
    assert len(told) == (said is not None)
    assert said is None or said in told[0]
