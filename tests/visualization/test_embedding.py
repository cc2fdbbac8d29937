"""Embeddings: what lies apart stays apart, and the share of like neighbours against a loop."""

import numpy as np
import pytest
from PIL import Image

from mmhsi.errors import DataError
from mmhsi.visualization.embedding import embed, save_embedding_figure
from mmhsi.visualization.feature_figures import save_feature_figure


def test_groups_stay_apart_and_neighbours_are_counted(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    apart = rng.normal(size=(60, 6)) + 30 * labels[:, None]
    mixed = rng.normal(size=(60, 6))
    places = embed(apart)
    for one in range(60):
        nearest = np.argsort(np.linalg.norm(places - places[one], axis=1))[1:6]
        assert (labels[nearest] == labels[one]).all()
    features = {"before": mixed, "after": apart}
    colours = [(9, 9, 9)] * 3
    shares = save_embedding_figure(tmp_path / "e.png", features, labels, ["a", "b", "c"], colours)
    same = []
    for one in range(60):
        order = np.argsort(np.linalg.norm(mixed - mixed[one], axis=1), kind="stable")[1:11]
        same += (labels[order] == labels[one]).tolist()
    assert shares == {"before": pytest.approx(np.mean(same)), "after": 1.0}
    assert min(Image.open(tmp_path / "e.png").size) > 500
    with pytest.raises(DataError, match="at least 8"):
        embed(mixed[:5])


def test_feature_figures_of_one_image_and_of_several(tmp_path):
    pair = np.zeros((8, 8, 3), np.uint8), np.full((4, 4, 3), 99, np.uint8)
    save_feature_figure(tmp_path / "one.png", [pair], "a scene")
    save_feature_figure(tmp_path / "three.png", [pair] * 3)
    assert min(Image.open(tmp_path / "one.png").size) > 400
    with pytest.raises(DataError, match="no images"):
        save_feature_figure(tmp_path / "none.png", [])
