"""Masks of self-distillation."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.rng import BatchRNG
from mmhsi.models.selfsup.dino_masks import DINOMasking, draw_counts, hide_blocks, list_hidden
from mmhsi.registry import MASKING


def test_every_masked_image_has_a_bin_of_its_own():
    masked = torch.tensor([7, 0, 3, 4])
    for _ in range(50):
        counts = draw_counts(8, None, masked, 1000, (0.1, 0.5))
        assert counts[[1, 2, 5, 6]].tolist() == [0, 0, 0, 0]
        shares = sorted(counts[masked].tolist())
        for k, share in enumerate(shares):  # bins of 100 tokens, from 100 to 500; a half is rounded
            assert 100 * (k + 1) - 1 <= share <= 100 * (k + 2) + 1


def test_small_ratios_hide_one_token():
    assert set(draw_counts(4, None, torch.arange(4), 16, (0.0, 0.001)).tolist()) == {1}


@pytest.mark.parametrize("grid", [(8, 8), (5, 9), (1, 16), (1, 1)])
def test_counts_are_exact(grid):
    tokens = grid[0] * grid[1]
    counts = torch.randint(0, tokens + 1, (40,))
    hidden = hide_blocks(BatchRNG(40, "cpu"), counts, grid)
    assert hidden.shape == (40, tokens)
    assert hidden.sum(1).tolist() == counts.tolist()


def neighbours(hidden, grid):
    """Mean number of hidden neighbours of a hidden token."""
    total = count = 0
    for mask in hidden.unflatten(1, grid):
        for row, column in mask.nonzero().tolist():
            for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                total += 0 <= r < grid[0] and 0 <= c < grid[1] and bool(mask[r, c])
            count += 1
    return total / count


@pytest.mark.parametrize("grid", [(12, 12), (1, 40)])
def test_hidden_tokens_lie_together(grid):
    torch.manual_seed(0)
    tokens = grid[0] * grid[1]
    counts = torch.full((60,), tokens // 4)
    scattered = torch.rand(60, tokens).argsort(1).argsort(1) < tokens // 4
    assert neighbours(hide_blocks(BatchRNG(60, "cpu"), counts, grid), grid) > 1.4 * neighbours(scattered, grid)


def test_every_place_is_hidden_as_often_but_near_the_border():
    torch.manual_seed(0)
    share = hide_blocks(BatchRNG(4000, "cpu"), torch.full((4000,), 8), (6, 6)).float().mean(0).unflatten(0, (6, 6))
    assert (share - share.flip(0)).abs().max() < 0.05
    assert (share - share.T).abs().max() < 0.05


def test_hidden_tokens_are_listed_in_order():
    hidden, has_data = torch.rand(5, 9) < 0.4, torch.rand(5, 9) < 0.7
    hidden[2] = False
    mask = list_hidden(hidden, int(hidden.sum()), has_data)
    wanted = [(b, n) for b in range(5) for n in range(9) if hidden[b, n]]
    assert mask.indices.tolist() == [9 * b + n for b, n in wanted]
    for (b, n), weight in zip(wanted, mask.weights.tolist(), strict=True):
        counted = sum(bool(hidden[b, k] and has_data[b, k]) for k in range(9))
        assert weight == pytest.approx(1 / counted if has_data[b, n] else 0)


def test_half_of_the_images_are_masked_in_both_streams():
    masking = DINOMasking()
    seen = torch.zeros(8)
    for _ in range(60):
        spatial, spectral = masking(BatchRNG(8, "cpu"), [(8, 8), (1, 16)])
        masked = spatial.hidden.any(1)
        assert masked.sum() == 4
        assert torch.equal(spectral.hidden.any(1), masked)
        assert spatial.hidden.sum(1).max() <= 32
        seen += masked
    assert seen.min() > 0


@pytest.mark.parametrize("groups", [16, 3, 1])
def test_the_spectral_mask_is_never_empty(groups):
    masking = DINOMasking(spectral_ratio=(0.01, 0.5))
    for _ in range(100):
        _, spectral = masking(BatchRNG(2, "cpu"), [(2, 2), (1, groups)])
        assert spectral.hidden.sum() >= 1
        assert len(spectral.indices) == spectral.hidden.sum()


def test_a_stream_may_be_left_out():
    first, second = DINOMasking()(BatchRNG(4, "cpu"), [None, (1, 6)], torch.zeros(4, 9, dtype=torch.bool))
    assert first is None
    assert second.weights.min() > 0  # what patches lack of data is no matter of band groups


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(probability=0), "probability=0 given"),
        (dict(probability=1.1), "probability=1.1 given"),
        (dict(min_aspect=0), "min_aspect=0 given"),
        (dict(ratio=(0.5, 0.1)), r"ratio=\(0.5, 0.1\) given"),
        (dict(ratio=(0.0, 0.0)), r"ratio=\(0.0, 0.0\) given"),
        (dict(spectral_ratio=(0.1, 1.5)), r"spectral_ratio=\(0.1, 1.5\) given"),
        (dict(spectral_ratio=(0.1,)), r"spectral_ratio=\(0.1,\) given"),
    ],
)
def test_arguments_are_checked(change, message):
    with pytest.raises(ConfigError, match=message):
        MASKING.build(dict(type="DINOMasking", **change))
