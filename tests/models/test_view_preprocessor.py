"""Views on the device."""

import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors.view_preprocessor import ViewPreprocessor

SIZES = [(6, 6), (6, 6), (3, 4), (3, 4), (3, 4)]


def batch(images=2, bands=3, dtype=torch.int16):
    samples = [
        dict(
            inputs=[torch.randint(0, 99, (bands, *size)).to(dtype) for size in SIZES],
            valid=[torch.rand(size) > 0.3 for size in SIZES],
        )
        for _ in range(images)
    ]
    return samples, pseudo_collate(samples)


def test_every_view_is_normalised_and_keeps_its_place():
    preprocessor = ViewPreprocessor(3, mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0])
    preprocessor.with_valid = True
    samples, data = batch()
    out = preprocessor(data, training=False)
    assert [tuple(view.shape) for view in out["inputs"]] == [(2, 3, *size) for size in SIZES]
    for v in range(len(SIZES)):
        for b, sample in enumerate(samples):
            valid = sample["valid"][v]
            assert torch.equal(out["valid"][v][b], valid)
            for band in range(3):
                wanted = (sample["inputs"][v][band].float() - 10.0 * (band + 1)) / 2.0**band
                assert torch.allclose(out["inputs"][v][b, band], torch.where(valid, wanted, 0.0))


def test_validity_is_given_to_models_that_ask():
    _, data = batch()
    assert set(ViewPreprocessor(3, mean=[0.0] * 3, std=[1.0] * 3)(data)) == {"inputs", "data_samples"}


def test_augments_draw_for_each_view_of_each_image():
    augments = [dict(type="BatchGainOffset", gain=0.0, offset=1.0)]
    preprocessor = ViewPreprocessor(3, mean=[0.0] * 3, std=[1.0] * 3, augments=augments)
    data = dict(inputs=[[torch.zeros(3, 4, 4)] * 2] * 3, valid=[[torch.ones(4, 4, dtype=torch.bool)] * 2] * 3)
    drawn = torch.stack(preprocessor(data, training=True)["inputs"])[:, :, 0, 0, 0]
    assert len(drawn.unique()) == 6
    assert not torch.stack(preprocessor(data)["inputs"]).any()


def test_other_band_counts_are_named():
    _, data = batch(bands=4)
    with pytest.raises(ConfigError, match="input has 4 bands, the model expects num_bands=3"):
        ViewPreprocessor(3, mean=[0.0] * 3, std=[1.0] * 3)(data)
