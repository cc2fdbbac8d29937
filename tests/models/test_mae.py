"""MAE on HSIViT."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.complexity import count_stored
from mmhsi.models.layers import unpatchify
from mmhsi.models.rng import BatchRNG
from mmhsi.registry import MASKING, MODELS


def mae(bands=6, size=16, patch=4, arch="tiny", dims=128, ratio=0.75, norm_target=False, **decoder):
    decoder = dict(dict(decoder_embed_dims=32, depth=1, num_heads=2), **decoder)
    return MODELS.build(
        dict(
            type="MAE",
            backbone=dict(type="HSIViT", in_channels=bands, arch=arch, img_size=size, patch_size=patch),
            decoder=dict(
                type="MAEDecoder", in_channels=bands, img_size=size, patch_size=patch, embed_dims=dims, **decoder
            ),
            masking=dict(type="RandomMasking", ratio=ratio),
            norm_target=norm_target,
            data_preprocessor=dict(type="TilePreprocessor", num_bands=bands),
        )
    )


def test_base_has_the_dissertations_parameters():
    with torch.device("meta"):
        model = mae(32, 64, 8, "base", 768, decoder_embed_dims=512, depth=8, num_heads=16)
    assert count_stored(model) == 113_378_560


def slow_loss(model, x, valid, seed):
    """Loops over samples, patches and pixels; the same draw of visible and hidden patches."""
    torch.manual_seed(seed)
    patch, (height, width) = 4, x.shape[2:]
    grid = (height // patch, width // patch)
    _, visible, hidden, *_ = model.mask(x)
    latent = model.backbone.forward_visible(x, visible).sequence()
    prediction = model.decoder(latent, visible, hidden, grid)
    total, terms = 0.0, 0
    for b in range(len(x)):
        for slot, index in enumerate(hidden[b].tolist()):
            row, column = divmod(index, grid[1])
            predicted = prediction[b, slot].view(-1, patch, patch)
            for i in range(patch):
                for j in range(patch):
                    r, c = row * patch + i, column * patch + j
                    if valid[b, r, c]:
                        total = total + (predicted[:, i, j] - x[b, :, r, c]).square().sum()
                        terms += x.shape[1]
    return total / terms


@pytest.mark.parametrize("size", [(16, 16), (12, 20)])
@pytest.mark.parametrize("with_nodata", [False, True])
def test_loss_counts_hidden_valid_pixels_alone(size, with_nodata):
    model = mae().eval()
    x = torch.randn(3, 6, *size)
    valid = torch.rand(3, *size) > (0.4 if with_nodata else -1)
    torch.manual_seed(5)
    loss = model(x, valid=valid if with_nodata else None, mode="loss")["loss"]
    assert loss.item() == pytest.approx(slow_loss(model, x, valid, 5).item(), rel=1e-5)


def test_normalised_targets():
    model = mae(norm_target=True).eval()
    x = torch.randn(2, 6, 16, 16)
    torch.manual_seed(1)
    first = model(x, mode="loss")["loss"]
    # Shifting and scaling the target alone must not matter; the encoder is fed the same image.
    inputs = x.clone()
    forward = model.backbone.forward_visible
    model.backbone.forward_visible = lambda _, visible: forward(inputs, visible)
    torch.manual_seed(1)
    second = model(3 * x + 7, mode="loss")["loss"]
    assert second.item() == pytest.approx(first.item(), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [(dict(ratio=0), "leaves nothing to hide"), (dict(ratio=1.0), "leaves nothing to hide"), (dict(ratio=0.01), None)],
)
def test_ratios_that_cannot_work(change, message):
    if message is None:
        with pytest.raises(ConfigError, match="hides 0 of 16 patches"):
            mae(**change)(torch.zeros(1, 6, 16, 16), mode="loss")
    else:
        with pytest.raises(ConfigError, match=message):
            mae(**change)


@pytest.mark.parametrize("masking", ["SpectralMasking", "MRSMasking"])
@pytest.mark.parametrize("with_nodata", [False, True])
def test_hidden_bands_alone_are_scored_and_never_seen(masking, with_nodata):
    model = mae().eval()
    model.masking = MASKING.build(dict(type=masking, ratio=0.5))
    x = torch.randn(3, 6, 12, 16)
    valid = torch.rand(3, 12, 16) > (0.4 if with_nodata else -1)
    torch.manual_seed(5)
    loss = model(x, valid=valid if with_nodata else None, mode="loss")["loss"]
    torch.manual_seed(5)
    hidden = model.masking(BatchRNG(3, "cpu"), x)
    everything = torch.arange(12).expand(3, -1)
    latent = model.backbone.forward_visible(torch.where(hidden[..., None, None], 0.0, x), everything).sequence()
    prediction = unpatchify(model.decoder(latent, everything, everything, (3, 4)), 4, (3, 4))
    total, terms = 0.0, 0
    for b in range(3):
        for band in hidden[b].nonzero().flatten().tolist():
            error = (prediction[b, band] - x[b, band]).square()[valid[b]]
            total, terms = total + error.sum(), terms + len(error)
    assert hidden.sum(1).tolist() == [3, 3, 3]
    assert loss.item() == pytest.approx((total / terms).item(), rel=1e-5)


@pytest.mark.parametrize("masking", ["TubeMasking", "BlockwiseMasking"])
def test_any_strategy_over_tokens_fits(masking):
    model = mae()
    model.masking = MASKING.build(dict(type=masking, ratio=0.6))
    _, visible, hidden, *_ = model.mask(torch.zeros(5, 6, 16, 16))
    assert (visible.shape, hidden.shape) == ((5, 6), (5, 10))
    assert [sorted(row) for row in torch.cat([visible, hidden], 1).tolist()] == [list(range(16))] * 5
    assert model(torch.randn(5, 6, 16, 16), mode="loss")["loss"].isfinite()


def test_too_few_bands_for_the_ratio():
    model = mae()
    model.masking = MASKING.build(dict(type="MRSMasking", ratio=0.05))
    with pytest.raises(ConfigError, match="hides 0 of 6 bands"):
        model(torch.randn(1, 6, 16, 16), mode="loss")


@pytest.mark.parametrize("norm_target", [False, True])
def test_the_reconstruction_of_hidden_patches_has_the_loss(norm_target):
    model = mae().eval()
    model.norm_target = norm_target
    x = torch.randn(3, 6, 16, 16)
    torch.manual_seed(4)
    loss = model(x, mode="loss")["loss"].item()
    torch.manual_seed(4)
    made = model.reconstruct(x)["patches"]
    error = made.prediction - made.target
    if norm_target:  # the error in units of each patch's own deviation
        for b in range(3):
            for i in range(4):
                for j in range(4):
                    patch = (b, slice(None), slice(4 * i, 4 * i + 4), slice(4 * j, 4 * j + 4))
                    error[patch] /= (x[patch].var() + 1e-6).sqrt()
    assert error[made.hidden].square().mean().item() == pytest.approx(loss, rel=1e-4)
    assert made.hidden.sum() == 3 * 12 * 6 * 16
    assert torch.equal(made.target, x)


def test_hidden_bands_are_reconstructed():
    model = mae().eval()
    model.masking = MASKING.build(dict(type="SpectralMasking", ratio=0.5))
    x = torch.randn(2, 6, 13, 16)
    torch.manual_seed(4)
    loss = model(x, mode="loss")["loss"].item()
    torch.manual_seed(4)
    made = model.reconstruct(x)["bands"]
    assert made.hidden.flatten(2).all(2).sum(1).tolist() == [3, 3]
    assert made.prediction.shape == x.shape
    padded_loss = (made.prediction - x)[made.hidden].square().mean().item()
    assert padded_loss == pytest.approx(loss, rel=0.3)  # which also scores the repeated rows
