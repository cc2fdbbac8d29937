"""The strategy that docs/extend/masking.md teaches keeps what the page promises."""

import sys
import types

import pytest
import torch
from doc_blocks import ROOT, blocks_of
from processes import on_two_ranks
from small_algorithms import ALGORITHMS, BANDS, SIDE, built

from mmhsi.models import BatchRNG
from mmhsi.registry import MASKING

IMAGES = torch.randn(6, BANDS, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def strategy(monkeypatch):
    """Name of the page's strategy, as in a user's module."""
    code = next(block.code for block in blocks_of(ROOT / "docs/extend/masking.md") if block.file)
    module = types.ModuleType("masking_page")
    monkeypatch.setitem(sys.modules, "masking_page", module)
    before = dict(MASKING.module_dict)
    exec(compile(code, "docs/extend/masking.md", "exec"), module.__dict__)
    yield "CheckerboardMasking"
    MASKING.module_dict.clear()
    MASKING.module_dict.update(before)


def hidden(strategy, images):
    """Hidden values of images in validation."""
    model = built(dict(ALGORITHMS["MAE"], masking=dict(type=strategy, ratio=0.7)))
    return torch.stack([made["patches"].hidden for made in model(images, mode="predict")])


def share_of_rank(rank, strategy):
    """What one of two processes hides in its images: in validation, and in a step of training."""
    images = IMAGES[rank::2]
    torch.manual_seed(rank)
    masking = MASKING.build(dict(type=strategy, ratio=0.7))
    return hidden(strategy, images).tolist(), masking(BatchRNG.of_step(3, "cpu", seed=5), 1, (3, 3)).tolist()


def test_masks_of_validation_depend_on_the_image_alone(strategy, tmp_path):
    first = hidden(strategy, IMAGES)
    torch.rand(3)  # whatever was drawn before
    assert torch.equal(hidden(strategy, IMAGES), first)
    assert torch.equal(hidden(strategy, IMAGES.flip(0)), first.flip(0))
    assert len({tuple(mask.flatten().tolist()) for mask in first}) > 2
    torch.manual_seed(5)
    step = MASKING.build(dict(type=strategy, ratio=0.7))(BatchRNG.of_step(6, "cpu", seed=5), 1, (3, 3))
    for rank, (validation, training) in enumerate(on_two_ranks(tmp_path / "store", share_of_rank, strategy)):
        assert torch.equal(torch.tensor(validation), first[rank::2])
        assert torch.equal(torch.tensor(training), step[rank::2])
