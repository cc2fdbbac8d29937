"""What a notebook shows of a model."""

import pytest
from scene_models import PIXEL, USED

from mmhsi.inference import SceneInferencer


def test_a_model_shows_what_it_takes_and_gives(trained):
    names, palette = ["a <b>", "water", "roof"], [[1, 2, 3], [0, 0, 255], [200, 0, 0]]
    config, checkpoint, network = trained(PIXEL, classes=names, palette=palette, protocol="20 & more", window=[9, 9])
    model = SceneInferencer(config, checkpoint, device="cpu")
    weights = sum(parameter.numel() for parameter in network.parameters())
    text = repr(model)
    assert text.startswith("SceneInferencer(")
    for fact in (f"{weights:,} weights", f"{len(USED)} bands", "3 classes", "cpu"):
        assert fact in text
    page = model._repr_html_()
    assert "a &lt;b&gt;" in page
    assert "<b>" not in page
    assert "20 &amp; more" in page
    assert "background:rgb(1, 2, 3)" in page


def test_mmsegs_inferencer_refuses_our_configs_in_one_line(repository):
    from mmseg.apis import MMSegInferencer

    from mmhsi.errors import ConfigError

    config = str(repository / "configs/unet/unet_c32.py")
    with pytest.raises(ConfigError, match="num_bands is missing"):
        MMSegInferencer(config, weights=None, device="cpu", scope="mmhsi")
