"""Principal components as colours, against scikit-learn."""

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA

from mmhsi.errors import ConfigError, DataError
from mmhsi.visualization.feature_figures import principal_colours, save_attention_figure


def test_colours_are_the_stretched_components():
    features = np.random.default_rng(0).normal(size=(200, 8)) * np.arange(1, 9)
    colours = principal_colours(features).astype(float)
    scores = PCA(3).fit_transform(features)
    for channel in range(3):
        low, high = np.percentile(scores[:, channel], (1, 99))
        expected = 255 * np.clip((scores[:, channel] - low) / (high - low), 0, 1)
        error = min(np.abs(colours[:, channel] - expected).max(), np.abs(255 - colours[:, channel] - expected).max())
        assert error < 1.5  # either sign


def test_features_of_one_dimension_and_of_none():
    colours = principal_colours(np.arange(10.0)[:, None])
    assert colours[:, 1:].tolist() == [[128, 128]] * 10
    assert len(np.unique(colours[:, 0])) > 5
    with pytest.raises(DataError, match="at least 2"):
        principal_colours(np.ones((1, 3)))


def test_attention_figure(tmp_path):
    picture = np.zeros((8, 8, 3), np.uint8)
    rng = np.random.default_rng(0)
    maps, groups = rng.random((2, 4, 4)), rng.random((2, 5))
    save_attention_figure(tmp_path / "a.png", [picture] * 3, [maps] * 3, [groups] * 3, [400, 500, 600, 700, 800])
    save_attention_figure(tmp_path / "b.png", [picture] * 3, [maps] * 3)
    wide, narrow = (Image.open(tmp_path / name).size for name in ("a.png", "b.png"))
    assert wide[0] > narrow[0]
    with pytest.raises(DataError, match="equally many"):
        save_attention_figure(tmp_path / "c.png", [picture], [maps] * 2)
    with pytest.raises(ConfigError, match=r"\.png"):
        save_attention_figure(tmp_path / "c.jpg", [picture], [maps])
