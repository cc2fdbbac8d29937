"""IMAE: what is hidden, what is scored, and training at several window sizes."""

import pytest
import torch
from torch.utils.data import DataLoader

from mmhsi.datasets import MultiSizeBatchSampler, SceneDataset, SeededSampler, collate_pixels
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.errors import ConfigError
from mmhsi.models import attach_scenes
from mmhsi.models.rng import BatchRNG
from mmhsi.models.selfsup.imae import IMAE
from mmhsi.models.selfsup.imae_decoder import IMAEDecoder

SMALL = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)


def imae(bands=6, seed=0, backbone=None, preprocessor="TilePreprocessor", **kwargs):
    torch.manual_seed(seed)
    return IMAE(
        backbone=dict(type="IMAEViT", in_channels=bands, arch=SMALL, **(backbone or {})),
        decoder=dict(type="IMAEDecoder", in_channels=bands, embed_dims=16, decoder_embed_dims=8, depth=1, num_heads=2),
        data_preprocessor=dict(type=preprocessor, num_bands=bands),
        **kwargs,
    )


def losses(model, x, valid=None, seed=5):
    torch.manual_seed(seed)
    return {name: value.item() for name, value in model(x, valid=valid, mode="loss").items()}


def test_equation_17_on_a_case_worked_out_by_hand():
    """Two bands, a 1 × 2 window, whose second pixel is the centre; a model that answers (1, 0) everywhere."""
    model = imae(bands=2, alpha=0.5)
    for layer, answer in ((model.decoder.to_pixels, (1.0, 0.0)), (model.decoder.to_centre, (0.0, 4.0))):
        layer.weight.data.zero_()
        layer.bias.data = torch.tensor(answer)
    x = torch.tensor([[[[3.0, 1.0]], [[1.0, 2.0]]]])  # pixels (3, 1) and (1, 2)
    # Squared distances to (1, 0): 4 + 1 and 0 + 4; their mean is 4.5, over two bands 2.25.
    # That of the centre (1, 2) to (0, 4): 1 + 4, over two bands 2.5, times 0.5.
    assert losses(model, x) == pytest.approx({"loss_reconstruction": 2.25, "loss_instruction": 1.25})
    first_alone = torch.tensor([[[True, False]]])
    assert losses(model, x, first_alone) == pytest.approx({"loss_reconstruction": 2.5, "loss_instruction": 0.0})


def slow_losses(model, x, valid, seed):
    """Loops over samples and pixels; the same draw of hidden pixels."""
    height, width = x.shape[2:]
    torch.manual_seed(seed)
    hidden = model.masking(BatchRNG(len(x), "cpu"), 1, (height, width)).flatten(1)
    visible = torch.stack([(~row).nonzero().flatten() for row in hidden])
    latent = model.backbone.forward_visible(x, visible).sequence()
    pixels, centre = model.decoder(latent, visible, (height, width))
    errors, ins_errors = [], []
    for b in range(len(x)):
        for index in range(height * width):
            row, column = divmod(index, width)
            if not valid[b, row, column]:
                continue
            if model.loss_on == "all" or hidden[b, index]:
                errors.append((x[b, :, row, column] - pixels[b, index]).square().sum() / x.shape[1])
            if (row, column) == (height // 2, width // 2):
                ins_errors.append((x[b, :, row, column] - centre[b]).square().sum() / x.shape[1])
    return {
        "loss_reconstruction": torch.stack(errors).mean().item(),
        "loss_instruction": model.alpha * torch.stack(ins_errors).mean().item(),
    }


@pytest.mark.parametrize("size", [(9, 9), (6, 7)])
@pytest.mark.parametrize("loss_on", ["all", "masked"])
@pytest.mark.parametrize("with_nodata", [False, True])
def test_losses_are_those_of_loops(size, loss_on, with_nodata):
    model = imae(loss_on=loss_on, alpha=0.3).eval()
    x = torch.randn(4, 6, *size)
    valid = torch.rand(4, *size) > (0.4 if with_nodata else -1)
    valid[:2, size[0] // 2, size[1] // 2] = True
    expected = slow_losses(model, x, valid, 5)
    assert losses(model, x, valid if with_nodata else None) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("masking", ["RandomMasking", "TubeMasking", "BlockwiseMasking"])
def test_nothing_of_a_hidden_pixel_reaches_the_encoder(masking):
    model = imae(masking=dict(type=masking, ratio=0.5)).eval()
    x = torch.randn(3, 6, 7, 8)
    hidden = model.predict_pixels(x, BatchRNG(3, "cpu", torch.Generator().manual_seed(1))).hidden
    assert hidden.sum(1).tolist() == [28, 28, 28]
    visible = torch.stack([(~row).nonzero().flatten() for row in hidden])
    latent = model.backbone.forward_visible(x, visible).sequence()
    for fill in (torch.randn_like(x), torch.full_like(x, float("nan"))):
        other = torch.where(hidden.view(3, 1, 7, 8), fill, x)
        assert torch.equal(model.backbone.forward_visible(other, visible).sequence(), latent)
    # Masking after the position term, as in the paper, lets the neighbours tell.
    images = (x, torch.where(hidden.view(3, 1, 7, 8), 2 * x, x))
    tokens = [model.backbone.embed(image).patches.flatten(0, 1)[~hidden.flatten()] for image in images]
    assert not torch.allclose(*tokens)
    # A visible pixel does reach it.
    seen = torch.where(hidden.view(3, 1, 7, 8), x, 2 * x)
    assert not torch.allclose(model.backbone.forward_visible(seen, visible).sequence(), latent)


def test_the_reconstruction_has_the_loss():
    model = imae().eval()
    x = torch.randn(3, 6, 9, 8)
    for loss_on in ("all", "masked"):
        model.loss_on = loss_on
        expected = losses(model, x, seed=4)["loss_reconstruction"]
        torch.manual_seed(4)
        made = model.reconstruct(x)["pixels"]
        error = (made.prediction - made.target).square()
        assert torch.equal(made.target, x)
        assert made.hidden.sum() == 3 * 36 * 6
        scored = error if loss_on == "all" else error[made.hidden]
        assert scored.mean().item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_the_ins_token_learns_the_centre_of_any_window():
    """The centre differs from all other pixels: whatever else the ins token told, it would be wrong."""
    model = imae(masking=dict(type="RandomMasking", ratio=0.1))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    history = []
    for step in range(180):
        side = (3, 6)[step % 2]
        x = torch.zeros(32, 6, side, side)
        x[:, :, side // 2, side // 2] = torch.randn(32, 6, generator=generator)
        torch.manual_seed(step)
        loss = model(x, mode="loss")["loss_instruction"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    # What is hidden, in a tenth of the windows, cannot be known: its variance is 1.
    assert sum(history[-20:]) / 20 < 0.5
    assert sum(history[:20]) / 20 > 0.9


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imae") / "demo"
    write_scene(simulate_scene(40, 40, 12), folder)
    return folder.parent


def test_each_step_has_one_size_and_all_train_the_same_weights(scene):
    dataset = SceneDataset(scene="demo", data_root=scene, window=5, largest_window=11, subset="all", stride=3)
    sampler = MultiSizeBatchSampler(SeededSampler(dataset, seed=0), batch_size=16, sizes=(5, 7, 11))
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=collate_pixels)
    statistics = dataset.band_statistics()
    model = imae(len(statistics.mean), preprocessor="ScenePreprocessor")
    model.data_preprocessor.fit(torch.tensor(statistics.mean), torch.tensor(statistics.std))
    attach_scenes(model.data_preprocessor, dataset)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    shapes, history = [], []
    for epoch in range(4):
        sampler.sampler.set_epoch(epoch)
        for data in loader:
            batch = model.data_preprocessor(data, training=True)
            shapes.append(tuple(batch["inputs"].shape[2:]))
            loss = sum(model(**batch, mode="loss").values())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            history.append(loss.item())
    counts = [shapes.count((side, side)) for side in (5, 7, 11)]
    assert sum(counts) == len(shapes)
    assert max(counts) - min(counts) <= 4  # at most one an epoch
    assert sum(history[-8:]) < 0.7 * sum(history[:8])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(masking=dict(type="RandomMasking", ratio=0)), "leaves nothing to hide"),
        (dict(masking=dict(type="RandomMasking", ratio=1)), "leaves nothing to hide"),
        (
            dict(masking=dict(type="SpectralMasking", ratio=0.5)),
            "SpectralMasking.*expected a strategy over tokens",
        ),
        (dict(alpha=-1), "alpha=-1 given"),
        (dict(loss_on="hidden"), "expected 'all' or 'masked'"),
    ],
)
def test_what_cannot_work_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        imae(**change)


def test_other_backbones_and_too_few_pixels_are_refused():
    decoder = dict(type="IMAEDecoder", in_channels=6, embed_dims=128)
    with pytest.raises(ConfigError, match="HSIViT has patches of 8 x 8 pixels, expected single pixels"):
        IMAE(
            dict(type="HSIViT", in_channels=6, arch="tiny"),
            decoder,
            data_preprocessor=dict(type="TilePreprocessor", num_bands=6),
        )
    with pytest.raises(ConfigError, match="hides 1 of 1 pixels"):
        imae()(torch.zeros(1, 6, 1, 1), mode="loss")
    with pytest.raises(ConfigError, match="IMAEDecoder: embed_dims=10 must divide by num_heads=4"):
        IMAEDecoder(6, 16, decoder_embed_dims=10)
