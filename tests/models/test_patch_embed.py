"""Patches and their order."""

import pytest
import torch

from mmhsi.models.layers import PatchEmbed, pad_to_multiple, patchify, unpatchify


def test_patchify_equals_a_loop_and_unpatchify_undoes_it():
    x = torch.randn(2, 5, 6, 9)
    patches = patchify(x, 3)
    for b in range(2):
        for row in range(2):
            for column in range(3):
                cut = x[b, :, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
                assert torch.equal(patches[b, row * 3 + column], cut.flatten())
    assert torch.equal(unpatchify(patches, 3, (2, 3)), x)


def test_padding_repeats_the_last_row_and_column():
    x = torch.arange(12.0).view(1, 1, 3, 4)
    padded = pad_to_multiple(x, 5)
    assert padded.shape == (1, 1, 5, 5)
    assert torch.equal(padded[..., :3, :4], x)
    assert padded[0, 0, 4].tolist() == [8, 9, 10, 11, 11]
    assert pad_to_multiple(x, 1) is x


def test_embedding_is_a_linear_map_of_each_patch():
    embed, x = PatchEmbed(4, 8, 2), torch.randn(1, 4, 6, 4)
    tokens, grid = embed(x)
    expected = patchify(x, 2) @ embed.projection.weight.flatten(1).T + embed.projection.bias
    assert grid == (3, 2)
    assert torch.allclose(tokens, expected, atol=1e-5)


@pytest.mark.parametrize("side", [12, 10])  # the last row and column of patches are padded at 10
def test_some_patches_are_those_of_all(side):
    embed = PatchEmbed(in_channels=5, embed_dims=7, patch_size=4)
    x = torch.randn(2, 5, side, side)
    chosen = torch.tensor([[8, 0, 3], [1, 1, 7]])
    tokens, _ = embed(x)
    expected = torch.stack([tokens[image][places] for image, places in enumerate(chosen)])
    assert torch.allclose(embed.some(x, chosen), expected, atol=1e-6)
