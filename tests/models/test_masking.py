"""Masking strategies."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import RandomMasking


@pytest.mark.parametrize("ratio", [0, 0.1, 0.5, 0.75, 1])
@pytest.mark.parametrize(("groups", "grid"), [(1, (3, 3)), (29, (4, 5))])
def test_exactly_the_rounded_share_is_hidden_in_every_sample(ratio, groups, grid):
    mask = RandomMasking(ratio)(8, groups, grid, torch.device("cpu"))
    assert mask.shape == (8, groups, grid[0] * grid[1])
    total = groups * grid[0] * grid[1]
    assert mask.flatten(1).sum(1).tolist() == [int(ratio * total + 0.5)] * 8


def test_generator_decides_the_mask():
    def draw(seed):
        return RandomMasking(0.5)(4, 1, (6, 6), torch.device("cpu"), torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_every_token_is_hidden_equally_often():
    mask = RandomMasking(0.75)(4000, 1, (3, 3), torch.device("cpu"), torch.Generator().manual_seed(0))
    # 7 of 9 hidden; the share of each token has a standard deviation of 0.0066.
    assert (mask.float().mean(0) - 7 / 9).abs().max() < 0.03


@pytest.mark.parametrize("ratio", [-0.1, 1.5])
def test_ratio_is_checked(ratio):
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        RandomMasking(ratio)
