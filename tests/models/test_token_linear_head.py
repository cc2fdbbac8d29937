"""One fully connected layer from a token to its pixels."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.decode_heads import TokenLinearHead

LOSS = dict(type="CrossEntropyLoss")


def test_a_pixel_is_a_row_of_the_layer_times_its_token():
    head = TokenLinearHead(6, num_classes=3, patch_size=4, loss_decode=LOSS).eval()
    head.conv_seg.bias.data.normal_()
    maps = torch.randn(2, 6, 2, 3)
    logits = head([torch.zeros(1), maps])
    assert logits.shape == (2, 3, 8, 12)
    weight = head.conv_seg.weight.view(3, 4, 4, 6)
    bias = head.conv_seg.bias.view(3, 4, 4)
    for row, column, of_class in ((0, 0, 0), (5, 11, 2), (7, 2, 1)):
        inside = of_class, row % 4, column % 4
        expected = maps[:, :, row // 4, column // 4] @ weight[inside] + bias[inside]
        assert torch.allclose(logits[:, of_class, row, column], expected, atol=1e-5)


def test_base_of_the_paper_has_one_layer():
    head = TokenLinearHead(48, num_classes=14, patch_size=8, loss_decode=LOSS)
    assert sum(parameter.numel() for parameter in head.parameters()) == 49 * 64 * 14


def test_patch_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="patch_size=0"):
        TokenLinearHead(6, num_classes=3, patch_size=0, loss_decode=LOSS)
