"""Prediction of channels everywhere in a scene."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmhsi.errors import ConfigError
from mmhsi.models import ChannelPrediction, LevelProjection
from mmhsi.registry import MODELS


@MODELS.register_module()
class TwoLevels(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(in_channels, 3, 1), nn.Conv2d(in_channels, 4, 2, stride=2)

    def forward(self, x):
        return self.coarse(x), self.fine(x)


def built(**changes):
    torch.manual_seed(0)
    return ChannelPrediction(
        **dict(
            backbone=dict(type=TwoLevels, in_channels=2),
            neck=dict(type="LevelProjection", in_channels=(4, 3)),
            num_targets=5,
            target_mean=[1.0, 2.0, 3.0, 4.0, 5.0],
            target_std=[2.0] * 5,
            data_preprocessor=dict(type="TilePreprocessor", num_bands=2, mean=[0.0] * 2, std=[1.0] * 2),
        )
        | changes
    )


@torch.no_grad()
def test_the_loss_is_hubers_of_scaled_and_clipped_channels_where_there_are_data():
    model = built()
    truth = 20 * torch.randn(5, 5, 8)
    truth[:, 2, 3] = torch.nan
    image = torch.randn(1, 2, 6, 8)  # a row is padded
    loss = model(image, [SegDataSample(gt_values=PixelData(data=truth))], mode="loss")["loss"]
    made, parts = model(image)[0].numpy(), []
    for row, column, channel in np.ndindex(5, 8, 5):
        if (row, column) != (2, 3):
            wanted = np.clip((truth[channel, row, column].item() - channel - 1) / 2, -5, 5)
            error = abs(made[channel, row, column] - wanted)
            parts.append(error**2 / 2 if error <= 1 else error - 0.5)
    assert loss.item() == pytest.approx(np.mean(parts), rel=1e-5)


@torch.no_grad()
def test_levels_are_joined_at_the_finest_resolution():
    neck = LevelProjection((4, 3), 2)
    coarse, fine = torch.randn(1, 4, 1, 1), torch.randn(1, 3, 4, 4)
    (made,) = neck((coarse, fine))
    weights, bias = neck.projection.weight[:, :, 0, 0], neck.projection.bias
    expected = weights @ torch.cat([coarse.expand(1, 4, 4, 4), fine], 1)[0].flatten(1) + bias[:, None]
    assert made[0].flatten(1).numpy() == pytest.approx(expected.numpy(), abs=1e-6)


def test_without_targets_it_is_refused():
    with pytest.raises(ConfigError, match="num_targets is missing"):
        built(num_targets=None)
    with pytest.raises(ConfigError, match="mode='all' is not offered"):
        built()(torch.zeros(1, 2, 4, 4), mode="all")
