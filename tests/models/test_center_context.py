"""The centre of a map beside its mean."""

import pytest
import torch

from mmhsi.models import CenterContext


@pytest.mark.parametrize(("side", "middle"), [(5, [2]), (4, [1, 2])])
def test_gradient_lies_in_memory_as_a_map_of_tokens_does(side, middle):
    maps = torch.randn(2, side, side, 3).permute(0, 3, 1, 2).requires_grad_()
    (features,) = CenterContext()((maps,))
    expected = torch.full(maps.shape, 1 / side**2)
    for row in middle:
        expected[:, :, row, middle] += 1 / len(middle) ** 2
    for sample in range(2):
        for channel in range(3):
            torch.testing.assert_close(features[sample, channel], maps[sample, channel][middle][:, middle].mean())
            torch.testing.assert_close(features[sample, channel + 3], maps[sample, channel].mean())
    (gradient,) = torch.autograd.grad(features.sum(), maps)
    torch.testing.assert_close(gradient, expected)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
