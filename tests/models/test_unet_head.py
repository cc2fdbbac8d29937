"""UNet decoder: the paper's count of layers, which map goes where, and sizes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmhsi.errors import ConfigError
from mmhsi.models import CNNHead, UNetHead

LOSS = dict(type="CrossEntropyLoss")


def build(widths, upsamples, channels=8):
    torch.manual_seed(0)
    head = UNetHead(widths, list(range(len(widths))), 3, channels, upsamples, loss_decode=LOSS)
    for norm in (m for m in head.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    return head.eval()


def count(head, kind, kernel):
    return sum(isinstance(m, kind) and m.kernel_size == (kernel, kernel) for m in head.modules())


def test_layers_of_the_paper():
    head = build([48] * 4, 3)
    assert count(head, nn.ConvTranspose2d, 2) == 6
    assert count(head, nn.Conv2d, 3) == 2 * 10
    assert head([torch.randn(1, 48, 16, 16)] * 4).shape == (1, 3, 128, 128)
    head = CNNHead(48, 3, loss_decode=LOSS)
    assert (count(head, nn.ConvTranspose2d, 2), count(head, nn.Conv2d, 3)) == (3, 6)


def double(block, x):
    for layer in block:
        y = F.conv2d(x, layer.conv.weight, layer.conv.bias, padding=1)
        norm = layer.bn
        y = (y - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + norm.eps).sqrt()
        x = (y * norm.weight[:, None, None] + norm.bias[:, None, None]).relu()
    return x


def up(block, x):
    return double(block[1], F.conv_transpose2d(x, block[0].weight, block[0].bias, stride=2))


def test_forward_by_hand():
    head = build([4, 5, 6, 7], 3)
    a, b, c, d = (torch.randn(2, width, 3, 2) for width in (4, 5, 6, 7))
    x = double(head.bottleneck, d)
    x = up(head.upsamples[0], double(head.joins[0], torch.cat([x, c], 1)))
    x = up(head.upsamples[1], double(head.joins[1], torch.cat([x, up(head.skips[1][0], b)], 1)))
    skip = up(head.skips[2][1], up(head.skips[2][0], a))
    x = up(head.upsamples[2], double(head.joins[2], torch.cat([x, skip], 1)))
    expected = F.conv2d(x, head.conv_seg.weight, head.conv_seg.bias)
    assert torch.allclose(head([a, b, c, d]), expected, atol=1e-4)


@pytest.mark.parametrize("upsamples", [0, 1, 2])
def test_fewer_upsamplings_than_skips(upsamples):
    head = build([4, 4, 4], upsamples)
    maps = [torch.randn(1, 4, 5, 3, requires_grad=True) for _ in range(3)]
    logits = head(maps)
    assert logits.shape == (1, 3, 5 * 2**upsamples, 3 * 2**upsamples)
    logits.square().sum().backward()
    assert all(m.grad.any() for m in maps)  # every map is used


@pytest.mark.parametrize("upsamples", [-1, 2])
def test_too_few_maps(upsamples):
    with pytest.raises(ConfigError, match=f"num_upsamples={upsamples} given with 2 maps, expected 0 to 1"):
        build([4, 4], upsamples)
