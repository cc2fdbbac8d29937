"""Draws for the batch of all processes, and draws that an image decides."""

import pytest
import torch

from mmhsi.models import BatchDihedral, BatchGainOffset, BatchNoise, rng
from mmhsi.models.rng import drawing_by_image, seed_draws
from mmhsi.registry import MASKING, MODELS

pytestmark = pytest.mark.usefixtures("scope")
CPU = torch.device("cpu")
IMAGES = torch.randn(8, 12, 6, 6, generator=torch.Generator().manual_seed(0))
DRAWS = {
    "random": lambda x: MASKING.build(dict(type="RandomMasking", ratio=0.5))(len(x), 2, (4, 4), CPU),
    "tube": lambda x: MASKING.build(dict(type="TubeMasking", ratio=0.5))(len(x), 2, (4, 4), CPU),
    "blockwise": lambda x: MASKING.build(dict(type="BlockwiseMasking", ratio=0.5))(len(x), 2, (6, 6), CPU),
    "spectral": lambda x: MASKING.build(dict(type="SpectralMasking", ratio=0.5))(x),
    "MRS": lambda x: MASKING.build(dict(type="MRSMasking", ratio=0.5))(x),
    "dihedral": BatchDihedral(),
    "gain and offset": BatchGainOffset(smooth=0.1),
    "noise": BatchNoise(),
    "noise on channels-last": lambda x: BatchNoise()(x.contiguous(memory_format=torch.channels_last)),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("world", [2, 4])
def test_ranks_draw_what_one_process_draws(name, world, monkeypatch):
    torch.manual_seed(5)
    whole = DRAWS[name](IMAGES)
    for rank in range(world):
        torch.manual_seed(100 + rank)  # for dropout, which must not matter here
        monkeypatch.setattr(rng, "get_dist_info", lambda rank=rank: (rank, world))
        seed_draws(5)
        assert torch.equal(DRAWS[name](IMAGES[rank::world]), whole[rank::world])


@pytest.mark.parametrize("name", ["random", "tube", "blockwise", "spectral", "MRS"])
def test_an_image_decides_its_mask(name):
    with drawing_by_image(IMAGES):
        whole = DRAWS[name](IMAGES)
    assert len({tuple(mask.flatten().tolist()) for mask in whole}) > 4
    for chosen in ([3], [6, 0, 3], [7, 3, 2, 1, 0]):
        with drawing_by_image(IMAGES[chosen]):
            assert torch.equal(DRAWS[name](IMAGES[chosen]), whole[chosen])


def test_a_reconstruction_does_not_depend_on_its_batch():
    model = MODELS.build(
        dict(
            type="MAE",
            data_preprocessor=dict(type="TilePreprocessor", num_bands=12),
            backbone=dict(type="HSIViT", arch="tiny", in_channels=12, img_size=6, patch_size=2),
            decoder=dict(type="MAEDecoder", in_channels=12, img_size=6, patch_size=2, embed_dims=128),
        )
    ).eval()
    made = model(IMAGES, mode="predict")
    (single,) = model(IMAGES[4:5], mode="predict")
    assert torch.equal(single["patches"].hidden, made[4]["patches"].hidden)
    assert torch.allclose(single["patches"].prediction, made[4]["patches"].prediction, atol=1e-5)
