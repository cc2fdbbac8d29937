"""Position tables."""

import math

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.layers import resize_position_table, sinusoid_1d, sinusoid_2d


def test_sinusoids_equal_a_loop():
    table = sinusoid_1d(torch.tensor([0.0, 3.0, 7.5]), 6)
    for row, position in enumerate([0.0, 3.0, 7.5]):
        for k in range(3):
            angle = position / 10000 ** (k / 3)
            assert table[row, k] == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[row, 3 + k] == pytest.approx(math.cos(angle), abs=1e-6)


def test_grid_splits_the_channels_between_rows_and_columns():
    table = sinusoid_2d(3, 5, 8).view(3, 5, 8)
    assert torch.equal(table[1, 0, :4], table[1, 4, :4])
    assert torch.equal(table[0, 2, 4:], table[2, 2, 4:])
    assert len({tuple(row.tolist()) for row in table.view(15, 8)}) == 15


def test_a_rectangular_table_is_resized_along_its_own_axes():
    # Channel 0 rises along rows, channel 1 along columns: a scrambled reshape would mix them.
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(16.0), indexing="ij")
    table = torch.stack([rows, columns], dim=-1).view(1, 64, 2)
    resized = resize_position_table(table, (4, 16), (8, 32)).view(8, 32, 2)
    assert torch.allclose(resized[:, :, 0], resized[:, :1, 0].expand(8, 32), atol=1e-5)
    assert torch.allclose(resized[:, :, 1], resized[:1, :, 1].expand(8, 32), atol=1e-5)
    assert (resized[1:, 0, 0] > resized[:-1, 0, 0]).all()
    assert resize_position_table(table, (4, 16), (4, 16)) is table


def test_impossible_tables_are_refused():
    with pytest.raises(ConfigError, match="holds 10 positions"):
        resize_position_table(torch.zeros(1, 10, 4), (3, 4), (6, 8))
    with pytest.raises(ConfigError, match="even number"):
        sinusoid_1d(torch.arange(3), 5)
    with pytest.raises(ConfigError, match="multiple of 4"):
        sinusoid_2d(2, 2, 6)
