"""Masking strategies."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import BatchRNG, BlockwiseMasking, MRSMasking, RandomMasking, SpectralMasking, TubeMasking

TOKENS = [RandomMasking, TubeMasking, BlockwiseMasking]
BANDS = [SpectralMasking, MRSMasking]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def source(samples, seed):
    return BatchRNG(samples, "cpu", seeded(seed))


def rounded(share, total):
    return int(share * total + 0.5)


@pytest.mark.parametrize("strategy", TOKENS)
@pytest.mark.parametrize("ratio", [0, 0.1, 0.75, 1])
@pytest.mark.parametrize(("groups", "grid"), [(1, (3, 3)), (29, (4, 5))])
def test_exactly_the_rounded_share_of_tokens_is_hidden(strategy, ratio, groups, grid):
    mask = strategy(ratio)(source(8, 0), groups, grid)
    positions = grid[0] * grid[1]
    assert mask.shape == (8, groups, positions)
    if strategy is RandomMasking:
        assert mask.flatten(1).sum(1).tolist() == [rounded(ratio, groups * positions)] * 8
    else:
        assert mask.sum(2).tolist() == [[rounded(ratio, positions)] * groups] * 8
        assert (mask == mask[:, :1]).all()


@pytest.mark.parametrize("strategy", BANDS)
@pytest.mark.parametrize("ratio", [0, 0.3, 1])
@pytest.mark.parametrize("bands", [4, 51])
def test_exactly_the_rounded_share_of_bands_is_hidden(strategy, ratio, bands):
    mask = strategy(ratio)(source(16, 0), torch.randn(16, bands, 7, 7))
    assert mask.shape == (16, bands)
    assert mask.sum(1).tolist() == [rounded(ratio, bands)] * 16


@pytest.mark.parametrize("strategy", [RandomMasking, TubeMasking])
def test_every_token_is_hidden_equally_often(strategy):
    mask = strategy(0.75)(source(4000, 0), 1, (3, 3))
    # 7 of 9 hidden; the share of each token has a standard deviation of 0.0066.
    assert (mask.float().mean(0) - 7 / 9).abs().max() < 0.03


def neighbours(mask):
    """Share of pairs of hidden neighbours among all hidden positions."""
    across, along = mask[:, :, 1:] & mask[:, :, :-1], mask[:, 1:] & mask[:, :-1]
    return (across.sum() + along.sum()) / mask.sum()


def test_blockwise_hides_what_lies_together():
    blocks = BlockwiseMasking(0.4)(source(500, 0), 1, (12, 12)).view(500, 12, 12)
    scattered = RandomMasking(0.4)(source(500, 0), 1, (12, 12)).view(500, 12, 12)
    assert neighbours(blocks) > 1.6 * neighbours(scattered)


def mrs_by_hand(image, chosen, count):
    """Equations 1 and 2 with loops, ties to the earlier band."""
    flat = [band.flatten().double() for band in image]
    scores = []
    for index, band in enumerate(flat):
        norms = float(band.norm() * flat[chosen].norm())
        similarity = float(band @ flat[chosen]) / norms if norms else 0.0
        scores.append((index != chosen, -round(similarity, 5), index))
    return {index for _, _, index in sorted(scores)[:count]}


@pytest.mark.parametrize("ratio", [0, 0.1, 0.3, 0.7, 1])
def test_mrs_hides_a_band_and_those_most_similar_to_it(ratio):
    images = torch.randn(64, 20, 3, 3, generator=seeded(3))
    images[:, 4] = 0  # a dead band
    images[:, 7] = images[:, 11] = 2 * images[:, 2]  # equally similar to band 2
    mask = MRSMasking(ratio)(source(64, 5), images)
    chosen = torch.randint(20, (64,), generator=seeded(5))
    assert (chosen == 4).any()
    for image, row, band in zip(images, mask, chosen.tolist(), strict=True):
        assert set(row.nonzero().flatten().tolist()) == mrs_by_hand(image, band, rounded(ratio, 20))


@pytest.mark.parametrize("strategy", TOKENS + BANDS)
@pytest.mark.parametrize("ratio", [-0.1, 1.5])
def test_ratio_is_checked(strategy, ratio):
    with pytest.raises(ConfigError, match=f"{strategy.__name__}: ratio={ratio} given, expected 0 to 1"):
        strategy(ratio)


@pytest.mark.parametrize("keys", [dict(min_aspect=0), dict(max_block=2), dict(blocks=0)])
def test_block_arguments_are_checked(keys):
    with pytest.raises(ConfigError, match="BlockwiseMasking: min_aspect"):
        BlockwiseMasking(0.5, **keys)


def test_mrs_takes_its_cosines_of_what_it_is_told():
    assert MRSMasking(0.5).on_file_values
    assert not MRSMasking(0.5, values="normalized").on_file_values
    with pytest.raises(ConfigError, match="values='raw' is unknown"):
        MRSMasking(0.5, values="raw")
