"""Tokens of groups of bands."""

import pytest
import torch

from mmhsi.models.layers.spectral_embed import PixelSpectralEmbed, PooledSpectralEmbed, group_centres, pad_bands


def test_pooled_embedding_is_the_mean_over_a_fixed_grid():
    torch.manual_seed(0)
    embed = PooledSpectralEmbed(embed_dims=6, group_size=2, grid_size=2)
    x = torch.randn(1, 3, 4, 6)
    expected = torch.empty(1, 2, 6)
    for group, bands in enumerate([(0, 1), (2, 2)]):  # the last band completes its group
        values = [
            x[0, band, 2 * row : 2 * row + 2, 3 * column : 3 * column + 3].mean()
            for band in bands
            for row in range(2)
            for column in range(2)
        ]
        expected[0, group] = embed.projection.weight @ torch.stack(values) + embed.projection.bias
    assert torch.allclose(embed(x), expected, atol=1e-6)


@pytest.mark.parametrize(("bands", "q", "padded"), [(4, 2, [0, 1, 2, 3]), (5, 2, [0, 1, 2, 3, 4, 4]), (1, 3, [0] * 3)])
def test_the_last_band_completes_the_last_group(bands, q, padded):
    x = torch.arange(bands).float().view(1, bands, 1, 1).expand(2, -1, 2, 2)
    assert pad_bands(x, q)[1, :, 1, 1].tolist() == padded
    assert pad_bands(x, q) is x or len(padded) > bands
    means = [sum(padded[i : i + q]) / q for i in range(0, len(padded), q)]
    assert group_centres(range(bands), q).tolist() == pytest.approx(means)


def test_paper_embedding_is_a_product_over_all_pixels():
    torch.manual_seed(0)
    embed = PixelSpectralEmbed(embed_dims=3, group_size=2, sizes=((2, 3), (1, 2)))
    for height, width in ((2, 3), (1, 2)):
        x = torch.randn(1, 5, height, width)
        layer = embed.projections[f"{height}x{width}"]
        for group, bands in enumerate([(0, 1), (2, 3), (4, 4)]):
            expected = layer.bias.clone()
            for pixel in range(height * width):
                for k, band in enumerate(bands):
                    expected = expected + layer.weight[:, pixel, k] * x[0, band, pixel // width, pixel % width]
            assert torch.allclose(embed(x)[0, group], expected, atol=1e-5)
