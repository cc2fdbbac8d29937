"""The contrast that SS-MTr's pretraining may add."""

import pytest
import torch
from small_algorithms import ALGORITHMS, BANDS, SIDE, built

from mmhsi.errors import ConfigError
from mmhsi.models.selfsup.ss_mtr import info_nce
from mmhsi.registry import MODELS


def test_contrast_by_hand():
    """Cosines 1 and 0, temperature 1: -log(e / (e + 1)) of two pairs, more if they are crossed."""
    axes = torch.eye(2)
    assert info_nce(2 * axes, axes, 1.0).item() == pytest.approx(0.3132617)
    assert info_nce(axes, axes.flip(0), 1.0).item() == pytest.approx(1.3132617)


def test_windows_without_data_neither_count_nor_are_compared_with():
    first, second = torch.randn(2, 4, 8).unbind(0)
    counted = torch.tensor([True, True, False, True])
    wanted = info_nce(first[counted], second[counted], 0.1)
    assert torch.allclose(info_nce(first, second, 0.1, counted), wanted)
    assert info_nce(first, second, 0.1, torch.zeros(4, dtype=torch.bool)) == 0


def test_without_contrast_it_is_mae():
    images = torch.randn(2, BANDS, SIDE, SIDE)
    losses = {}
    for name in ("MAE", "SS-MTr", "SS-MTr, contrast"):
        model = built(ALGORITHMS["MAE"] if name == "MAE" else ALGORITHMS[name])
        torch.manual_seed(1)
        losses[name] = model(images, mode="loss")
    assert losses["MAE"] == losses["SS-MTr"]
    assert set(losses["SS-MTr, contrast"]) == {"loss", "loss_contrast"}


def test_wrong_weights_are_refused():
    for wrong in (dict(contrast=-1), dict(temperature=0)):
        with pytest.raises(ConfigError, match=r"SSMTr: contrast="):
            MODELS.build(dict(ALGORITHMS["SS-MTr"], **wrong))
