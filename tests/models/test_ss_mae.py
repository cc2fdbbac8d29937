"""SS-MAE: tokens, masking, losses, parameters, and what fine-tuning receives."""

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmhsi.config_files import load_config, run_name
from mmhsi.errors import ConfigError
from mmhsi.models.backbones.ss_mae_fusion import SSMAEFusion
from mmhsi.models.backbones.ss_mae_vit import SSMAEViT
from mmhsi.models.layers import GatedFFN, Tokens, resize_position_table
from mmhsi.models.rng import BatchRNG
from mmhsi.models.selfsup.ss_mae import SSMAE
from mmhsi.registry import MODELS

SMALL = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=24)


def encoder(bands=6, window=5, patch=1, **keys):
    torch.manual_seed(0)
    return SSMAEViT(bands, arch=SMALL, window=window, patch_size=patch, **keys)


def ss_mae(bands=6, window=5, patch=1, spectral="SpectralMasking", ratio=0.4, preprocessor=None, **keys):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type="SSMAE",
            backbone=dict(type="SSMAEViT", in_channels=bands, arch=SMALL, window=window, patch_size=patch),
            spatial_masking=dict(type="RandomMasking", ratio=ratio),
            spectral_masking=dict(type=spectral, ratio=ratio),
            data_preprocessor=preprocessor or dict(type="TilePreprocessor", num_bands=bands),
            **{**dict(decoder_embed_dims=8, decoder_depth=1, decoder_num_heads=2), **keys},
        )
    )


def sinusoid(position, channels):
    rates = [position / 10000 ** (i / (channels // 2)) for i in range(channels // 2)]
    return torch.tensor([math.sin(rate) for rate in rates] + [math.cos(rate) for rate in rates])


def slow_tokens(model, image):
    """Pixel and band tokens of one image (C, P, P), one after another."""
    d, side = model.embed_dims, image.shape[1]
    spatial, spectral = model.patch_embed.projection, model.spectral_embed.projection
    pixels = [
        spatial.weight[:, :, 0, 0] @ image[:, row, column] + spatial.bias + sinusoid(row * side + column, d)
        for row in range(side)
        for column in range(side)
    ]
    bands = [
        spectral.weight @ torch.stack([value for row in band for value in row]) + spectral.bias + sinusoid(index, d)
        for index, band in enumerate(image)
    ]
    return torch.stack(pixels), torch.stack(bands)


@pytest.mark.parametrize("window", [5, 7])
def test_tokens_are_pixels_and_bands(window):
    model = encoder(window=window)
    x = torch.randn(2, 6, window, window)
    tokens = model.embed(x)
    assert tokens.grid == (window, window)
    for b in range(2):
        slow_pixels, slow_bands = slow_tokens(model, x[b])
        assert torch.allclose(tokens.patches[b], slow_pixels, atol=1e-5)
        assert torch.allclose(tokens.spectral[b], slow_bands, atol=1e-5)


def test_the_gated_mlp_by_its_formula():
    torch.manual_seed(0)
    mlp = GatedFFN(4, 3, gelu=True).requires_grad_(False)
    x = torch.randn(5, 4)
    expected = x.clone()
    for n in range(5):
        for j in range(3):
            a = float(mlp.w12.weight[j] @ x[n] + mlp.w12.bias[j])
            b = float(mlp.w12.weight[3 + j] @ x[n] + mlp.w12.bias[3 + j])
            hidden = a * 0.5 * (1 + math.erf(a / math.sqrt(2))) * b
            expected[n] += mlp.w3.weight[:, j] * hidden
        expected[n] += mlp.w3.bias
    assert torch.allclose(mlp(x), expected, atol=1e-5)
    assert torch.allclose(mlp(x, identity=torch.zeros_like(x)), expected - x, atol=1e-5)


def test_maps_hold_pixel_tokens_and_the_mean_of_the_band_tokens():
    model = encoder(out_indices=(0, 1)).eval()
    x = torch.randn(2, 6, 5, 5)
    tokens = model.forward_tokens(x)
    last = model(x)[1]
    assert last.shape == (2, 32, 5, 5)
    for row in range(5):
        for column in range(5):
            assert torch.allclose(last[:, :16, row, column], tokens.patches[:, 5 * row + column])
            assert torch.allclose(last[:, 16:, row, column], sum(tokens.spectral.unbind(1)) / 6, atol=1e-6)
    assert tokens.cls.shape == tokens.spectral_cls.shape == (2, 16)
    first = model.spatial_layers[0](torch.cat([model.spatial_cls_token.expand(2, -1, -1), model.embed(x).patches], 1))
    assert torch.allclose(model(x)[0][:, :16, 4, 4], first[:, -1], atol=1e-5)


def test_other_sizes_are_resampled_to_the_window():
    model = encoder().eval()
    fine = torch.randn(2, 6, 10, 10)
    coarse = torch.stack([fine[:, :, 2 * row : 2 * row + 2].mean(2) for row in range(5)], 2)  # pairs of rows, then
    coarse = torch.stack([coarse[..., 2 * column : 2 * column + 2].mean(3) for column in range(5)], 3)  # of columns
    first, second = (model.forward_tokens(x).spectral for x in (fine, coarse))
    assert torch.allclose(first, second, atol=1e-5)
    assert model(fine)[0].shape == (2, 32, 10, 10)
    positions = model.embed(fine).patches - model.patch_embed(fine)[0]
    expected = resize_position_table(model.spatial_positions, (5, 5), (10, 10))
    assert torch.allclose(positions, expected.expand_as(positions), atol=1e-5)


def test_what_is_hidden_from_a_branch_never_reaches_it():
    model = encoder().eval()
    x = torch.randn(1, 6, 5, 5)
    pixels, bands = torch.tensor([[0, 3, 7, 24]]), torch.tensor([[1, 4]])

    def encoded(image):
        tokens = model.forward_visible(image, pixels, bands)
        return tokens.sequence(), tokens.spectral_sequence()

    spatial, spectral = encoded(x)
    assert spatial.shape == (1, 5, 16)
    assert spectral.shape == (1, 3, 16)
    hidden_pixels = torch.ones(25, dtype=torch.bool)
    hidden_pixels[pixels[0]] = False
    changed = torch.where(hidden_pixels.view(5, 5), 1e6, x)
    assert torch.equal(encoded(changed)[0], spatial)
    changed = x.clone()
    changed[:, [0, 2, 3, 5]] = 1e6
    assert torch.equal(encoded(changed)[1], spectral)
    for index in pixels[0].tolist():  # while everything visible does
        changed = x.clone()
        changed[0, 5, index // 5, index % 5] += 1
        assert not torch.equal(encoded(changed)[0], spatial)
    for band in bands[0].tolist():
        changed = x.clone()
        changed[0, band, 2, 2] += 1
        assert not torch.equal(encoded(changed)[1], spectral)


def slow_losses(model, x, valid, seed):
    """Loops over samples, hidden tokens and pixels; the same draw of masks, tokens built one by one."""
    torch.manual_seed(seed)
    side = x.shape[2]
    rng = BatchRNG(len(x), "cpu")
    hidden_pixels = model.spatial_masking(rng, 1, (side, side)).flatten(1)
    hidden_bands = model.spectral_masking(rng, x)
    errors = {"loss_pixels": [], "loss_bands": []}
    for image, mask, pixel_mask, band_mask in zip(x, valid, hidden_pixels, hidden_bands, strict=True):
        pixels, bands = slow_tokens(model.backbone, image)
        seen_pixels, seen_bands = (~pixel_mask).nonzero()[:, 0], (~band_mask).nonzero()[:, 0]
        seen = Tokens(None, pixels[None, seen_pixels], (side, side), None, bands[None, seen_bands])
        seen = model.backbone.encode_last(seen)
        spatial, spectral = seen.sequence(), seen.spectral_sequence()
        for index in pixel_mask.nonzero()[:, 0].tolist():
            wanted = torch.tensor([[index]])
            spectrum = model.spatial_decoder(spatial, seen_pixels[None], wanted, model.spatial_decoder.grid)[0, 0]
            row, column = divmod(index, side)
            if mask[row, column]:
                for band in range(len(image)):
                    errors["loss_pixels"].append((spectrum[band] - image[band, row, column]).item() ** 2)
        for band in band_mask.nonzero()[:, 0].tolist():
            wanted = torch.tensor([[band]])
            values = model.spectral_decoder(spectral, seen_bands[None], wanted, model.spectral_decoder.grid)[0, 0]
            for index in range(side * side):
                row, column = divmod(index, side)
                if mask[row, column]:
                    errors["loss_bands"].append((values[index] - image[band, row, column]).item() ** 2)
    return {name: sum(values) / len(values) for name, values in errors.items()}


@pytest.mark.parametrize("spectral", ["SpectralMasking", "MRSMasking"])
@pytest.mark.parametrize("with_nodata", [False, True])
@pytest.mark.parametrize("window", [3, 5])
def test_losses_count_hidden_valid_values_alone(spectral, with_nodata, window):
    model = ss_mae(window=window, spectral=spectral).eval()
    x = torch.randn(3, 6, window, window)
    valid = torch.rand(3, window, window) > (0.4 if with_nodata else -1)
    torch.manual_seed(5)
    losses = model(x, valid=valid if with_nodata else None, mode="loss")
    expected = slow_losses(model, x, valid, 5)
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("patch", [1, 2])
def test_reconstructions_have_the_losses(patch):
    model = ss_mae(patch=patch).eval()
    x, valid = torch.randn(2, 6, 5, 5), torch.rand(2, 5, 5) > 0.3
    torch.manual_seed(4)
    losses = model(x, valid=valid, mode="loss")
    torch.manual_seed(4)
    made = model.reconstruct(x, valid)
    assert list(made) == ["pixels", "bands"]
    for name, part in made.items():
        assert part.prediction.shape == part.hidden.shape == x.shape
        counted = part.hidden & valid[:, None]
        error = (part.prediction - x)[counted].square().mean().item()
        assert error == pytest.approx(losses[f"loss_{name}"].item(), rel=1e-5)
    pixels, bands = made["pixels"].hidden, made["bands"].hidden
    assert (pixels == pixels[:, :1]).all()
    assert (bands == bands[:, :, :1, :1]).all()
    assert bands[:, :, 0, 0].sum(1).tolist() == [2, 2]  # of 6
    if patch == 1:
        assert pixels[:, 0].sum((1, 2)).tolist() == [10, 10]  # of 25
    else:  # blocks of 2 x 2, cut at the border
        for row in range(0, 5, 2):
            for column in range(0, 5, 2):
                block = pixels[:, 0, row : row + 2, column : column + 2].flatten(1)
                assert (block == block[:, :1]).all()


def test_mrs_and_random_masks_replace_one_another():
    """The same shapes from the same weights; MRS hides what is most like the chosen band."""
    images = torch.randn(8, 10, 5, 5)
    images[:, 5:] = images[:, :5] + 0.01 * torch.randn(8, 5, 5, 5)  # band k + 5 looks like band k
    hidden = {}
    for spectral in ("SpectralMasking", "MRSMasking"):
        model = ss_mae(bands=10, spectral=spectral, ratio=0.2)
        made = model.reconstruct(images)["bands"]
        assert made.prediction.shape == images.shape
        hidden[spectral] = made.hidden[:, :, 0, 0]
        assert hidden[spectral].sum(1).tolist() == [2] * 8
    assert (hidden["MRSMasking"][:, :5] == hidden["MRSMasking"][:, 5:]).all()
    assert not (hidden["SpectralMasking"][:, :5] == hidden["SpectralMasking"][:, 5:]).all()


def test_pretrained_weights_arrive(tmp_path):
    pretrained = ss_mae(bands=8)
    for parameter in pretrained.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    torch.save(dict(state_dict=pretrained.state_dict()), tmp_path / "pretrained.pth")
    head = dict(
        type="mmpretrain.LinearClsHead",
        num_classes=3,
        in_channels=448,
        loss=dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
    )
    backbone = dict(
        type="SSMAEFusion",
        in_channels=8,
        second_bands=2,
        arch=SMALL,
        window=5,
        init_cfg=dict(type="Pretrained", checkpoint=str(tmp_path / "pretrained.pth"), prefix="backbone."),
    )
    model = MODELS.build(
        dict(
            type="PixelClassifier",
            backbone=backbone,
            neck=dict(type="CenterContext"),
            head=head,
            data_preprocessor=dict(type="ScenePreprocessor", num_bands=6, second_bands=2),
        )
    )
    model.init_weights()
    given, own = pretrained.backbone.state_dict(), model.backbone.state_dict()
    assert all(torch.equal(own[key], value) for key, value in given.items())
    assert {key.split(".")[0] for key in own.keys() - given.keys()} == {"cnn"}
    x = torch.randn(4, 8, 5, 5)
    pretrained.eval(), model.eval()
    assert torch.equal(model.backbone(x)[0][:, :32], pretrained.backbone(x)[0])
    assert model(x, mode="tensor").shape == (4, 3)
    backbone["in_channels"] = 9
    with pytest.raises(ConfigError, match=r"patch_embed\.projection\.weight has shape"):
        MODELS.build(backbone).init_weights()


BACKBONE = dict(type="SSMAEViT", in_channels=6, arch=SMALL, window=5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SSMAEViT(6, arch="huge"), "arch='huge' is unknown, expected one of tiny, base or a dict"),
        (lambda: SSMAEViT(6, window=0), "window=0 given, expected at least 1"),
        (lambda: SSMAEViT(6, out_indices=(2,)), "out_indices=\\(2,\\) must lie in -2 to 1"),
        (lambda: SSMAEViT(6)(torch.zeros(1, 5, 7, 7)), "input has 5 bands, the model expects in_channels=6"),
        (lambda: SSMAEFusion(6, second_bands=6), "second_bands=6 given, expected 0 to 5"),
        (lambda: SSMAEFusion(6, num_components=12), "num_components=12 given, .* at least 13"),
        (lambda: SSMAE(dict(type="HSIViT", in_channels=6, arch="tiny")), "backbone=HSIViT given, expected SSMAEViT"),
        (lambda: SSMAE(BACKBONE, spatial_masking=dict(type="MRSMasking", ratio=0.3)), "over tokens"),
        (lambda: SSMAE(BACKBONE, spectral_masking=dict(type="TubeMasking", ratio=0.3)), "over bands"),
        (lambda: SSMAE(BACKBONE, spectral_masking=dict(type="MRSMasking", ratio=0.05)), "hides 0 of 6 bands"),
        (lambda: SSMAE(BACKBONE, decoder_embed_dims=10, decoder_num_heads=4), "must divide by decoder_num_heads=4"),
        (lambda: ss_mae()(torch.zeros(1, 6, 7, 5), mode="loss"), "windows of 7 x 5 pixels .* backbone.window=5"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(build, message):
    with pytest.raises(ConfigError, match=message) as error:
        build()
    assert "\n" not in str(error.value)


def test_configs_swap_the_strategy_by_one_word(repository):
    folder = repository / "configs/ss_mae"
    pairs = [(path, path.with_name(path.name.replace("-random", "-mrs"))) for path in folder.glob("ss-mae-random_*.py")]
    assert len(pairs) == 2
    for random, mrs in pairs:
        first, second = Config.fromfile(random), Config.fromfile(mrs)
        assert first.model.spectral_masking.type == "SpectralMasking"
        assert second.model.spectral_masking.type == "MRSMasking"
        second.model.spectral_masking.type = "SpectralMasking"
        assert first.to_dict() == second.to_dict()


def test_finetuning_configs_take_the_weights_of_their_pretraining_and_choose_no_epoch_on_test_pixels(repository):
    folder = repository / "configs/ss_mae"
    finetuning = sorted(folder.glob("*-ft_*.py"))
    assert len(finetuning) == 4
    for path in finetuning:
        cfg = load_config(path)
        run, file = cfg.model.backbone.init_cfg.checkpoint.split("/")[1:]
        pretraining = load_config(folder / f"{path.stem.replace('-ft_', '_')}.py")
        assert run == run_name(pretraining)
        assert file == f"epoch_{pretraining.train_cfg.max_epochs}.pth"
        assert pretraining.model.backbone.arch == cfg.model.backbone.arch
        assert pretraining.train_dataloader.dataset.scene == cfg.train_dataloader.dataset.scene
        assert cfg.get("val_dataloader") is None
        assert "save_best" not in cfg.default_hooks.checkpoint


def test_mrs_hides_the_bands_that_are_alike_in_the_units_of_the_file():
    """Bands 0 to 2 are bright and even, 3 to 5 dark and uneven; their deviations pair them otherwise."""
    rng = np.random.default_rng(0)
    shapes = rng.normal(size=(6, 1, 5, 5)) * np.array([5, 5, 5, 60, 60, 60])[:, None, None, None]
    shapes[3], shapes[4], shapes[5] = shapes[0] * 12, shapes[1] * 12, shapes[2] * 12
    raw = torch.tensor(100.0 + shapes[:, 0], dtype=torch.float32)[None].repeat(16, 1, 1, 1)
    preprocessor = dict(type="ScenePreprocessor", num_bands=6)
    model = SSMAE(BACKBONE, spectral_masking=dict(type="MRSMasking", ratio=0.5), data_preprocessor=preprocessor)
    flat = raw[0].flatten(1)
    model.data_preprocessor.fit(flat.mean(1), flat.std(1))
    inputs = (raw - flat.mean(1)[:, None, None]) / flat.std(1)[:, None, None]
    assert torch.allclose(model.data_preprocessor.restore(inputs), raw, rtol=1e-4)
    hidden = model.reconstruct(inputs)["bands"].hidden[:, :, 0, 0]
    bright = hidden[hidden[:, 0] & hidden[:, 1] & hidden[:, 2]]
    assert len(bright)  # the three even bands go together, whichever of them was drawn
    cosine = flat @ flat.T / (flat.norm(dim=1)[:, None] * flat.norm(dim=1))
    possible = {tuple(cosine[band].topk(3).indices.sort().values.tolist()) for band in range(6)}
    assert {tuple(row.nonzero().flatten().tolist()) for row in hidden} <= possible
