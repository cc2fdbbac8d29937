"""LO-MSST: visible tokens alone are encoded, hidden values alone are scored."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.layers.blockwise_embed import BlockwiseEmbed
from mmhsi.models.layers.visible_rows import row_buckets
from mmhsi.models.masking import visible_first
from mmhsi.models.pruning import prunable_stages
from mmhsi.models.rng import BatchRNG
from mmhsi.models.selfsup.lo_msst import LOMSST
from mmhsi.registry import MODELS

SMALL = dict(embed_dims=24, spatial_layers=2, spectral_layers=2, num_heads=2, head_dims=8, feedforward_channels=32)
STRATEGIES = ["RandomMasking", "TubeMasking", "BlockwiseMasking"]


def lo_msst(bands=8, masking="RandomMasking", ratio=0.75, arch=SMALL, patch=2, width=2, backbone=(), **options):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type="LOMSST",
            backbone=dict(
                type="SST", arch=arch, in_channels=bands, patch_size=patch, bands_per_block=width, **dict(backbone)
            ),
            masking=dict(type=masking, ratio=ratio),
            data_preprocessor=dict(type="TilePreprocessor", num_bands=bands),
            **options,
        )
    )


def slow_encode(backbone, tokens, hidden):
    """Each sample's blocks, then its places, one by one, each with its visible tokens alone."""
    batch, groups, places, _ = tokens.shape
    x = {}
    for b in range(batch):
        for g in range(groups):
            visible = (~hidden[b, g]).nonzero().flatten().tolist()
            if visible:
                rows = torch.stack([tokens[b, g, n] for n in visible])[None]
                for layer in backbone.spatial_layers:
                    rows = layer(rows)
                x.update({(b, g, n): row for n, row in zip(visible, rows[0], strict=True)})
        for n in range(places):
            visible = (~hidden[b, :, n]).nonzero().flatten().tolist()
            if visible:
                rows = torch.stack([x[b, g, n] for g in visible])[None]
                for layer in backbone.spectral_layers:
                    rows = layer(rows)
                x.update({(b, g, n): backbone.norm(row) for g, row in zip(visible, rows[0], strict=True)})
    return torch.stack([x[tuple(index)] for index in (~hidden).nonzero().tolist()])


@pytest.mark.parametrize("masking", STRATEGIES)
def test_the_latent_and_its_gradients_equal_a_loop(masking):
    model = lo_msst(masking=masking).eval()
    grid = (4, 5)
    tokens = model.backbone.by_block(model.backbone.embed(torch.randn(3, 8, 8, 10)).patches, grid)
    hidden = model.masking(BatchRNG(3, "cpu"), 4, grid)
    assert hidden.all(1).any()  # places without a visible token
    found = []
    sst = model.backbone
    for encode in (lambda x: sst.encode_rows(x, hidden)[~hidden], lambda x: slow_encode(sst, x, hidden)):
        leaf = tokens.detach().clone().requires_grad_()
        latent = encode(leaf)
        model.zero_grad()
        (latent * torch.linspace(-1, 1, latent.numel()).view_as(latent)).sum().backward()
        layers = [*model.backbone.spatial_layers.parameters(), *model.backbone.spectral_layers.parameters()]
        found.append([latent.detach(), leaf.grad, *(parameter.grad.clone() for parameter in layers)])
    for ours, reference in zip(*found, strict=True):
        assert torch.allclose(ours, reference, atol=1e-4, rtol=1e-4)
    assert (found[0][1][hidden] == 0).all()


@pytest.mark.parametrize(("masking", "most"), [("TubeMasking", 1.0), ("BlockwiseMasking", 1.0), ("RandomMasking", 1.3)])
def test_only_visible_tokens_cost_compute(masking, most):
    model = lo_msst(bands=32, masking=masking)
    seen = {"spatial": 0, "spectral": 0}
    for name, stage in model.backbone.prunable_stages().items():
        stage[1].register_forward_pre_hook(
            lambda _, args, name=name: seen.update({name: seen[name] + args[0].shape[:2].numel()})
        )
    hidden = model.masking(BatchRNG(4, "cpu"), 16, (12, 12))
    visible = int((~hidden).sum())
    model.backbone.forward_visible(torch.randn(4, 32, 24, 24), visible_first(hidden.flatten(1))[:, : visible // 4])
    assert all(visible <= count <= most * visible for count in seen.values())


def test_rows_are_sorted_by_length_and_hold_every_visible_token_once():
    torch.manual_seed(0)
    hidden = torch.rand(50, 9) < 0.8
    hidden[:5] = True
    numbers = torch.randperm(450).view(50, 9)
    buckets = row_buckets(hidden, numbers, (~hidden).sum(1))
    assert 2 <= len(buckets) <= 4
    index = torch.cat([bucket.numbers.flatten() for bucket in buckets])
    assert len(index.unique()) == len(index)
    real = [bucket.numbers if bucket.padding is None else bucket.numbers[~bucket.padding] for bucket in buckets]
    assert sorted(torch.cat([some.flatten() for some in real]).tolist()) == sorted(numbers[~hidden].tolist())


@pytest.mark.parametrize("ratio", [0.3, 0.7, 0.75])
@pytest.mark.parametrize("masking", STRATEGIES)
def test_counts_are_exact(masking, ratio):
    model = lo_msst(bands=7, masking=masking, ratio=ratio)
    hidden, grid, _ = model.predict_patches(torch.randn(5, 7, 9, 7))
    assert (grid, hidden.shape) == ((5, 4), (5, 4, 20))
    expected = int(80 * ratio + 0.5) if masking == "RandomMasking" else 4 * int(20 * ratio + 0.5)
    assert hidden.sum((1, 2)).tolist() == [expected] * 5
    assert masking == "RandomMasking" or torch.equal(hidden, hidden[:, :1].expand_as(hidden))


def slow_loss(model, x, valid, hidden, prediction):
    """Loops over patches and their pixels."""
    embed = model.backbone.patch_embed
    (side, depth), (_, bands, height, width) = (embed.patch_size, embed.bands_per_block), x.shape
    columns = -(-width // side)
    total, terms = 0.0, 0
    for b, g, n in torch.ones_like(hidden).nonzero().tolist():
        if model.loss_on == "masked" and not hidden[b, g, n]:
            continue
        values, predicted = [], []
        for index in range(depth * side * side):
            band, i, j = g * depth + index // side**2, n // columns * side + index % side**2 // side, 0
            j = n % columns * side + index % side
            if band < bands and i < height and j < width and valid[b, i, j]:
                values.append(x[b, band, i, j])
                predicted.append(prediction[b, g, n, index])
        if values:
            values, predicted = torch.stack(values), torch.stack(predicted)
            if model.norm_target:
                values = (values - values.mean()) / (values.var(unbiased=False) + 1e-6).sqrt()
            total, terms = total + (predicted - values).square().sum(), terms + len(values)
    return total / terms


@pytest.mark.parametrize("norm_target", [False, True])
@pytest.mark.parametrize("loss_on", ["masked", "all"])
@pytest.mark.parametrize("with_nodata", [False, True])
def test_the_loss_counts_real_values_alone(loss_on, norm_target, with_nodata):
    model = lo_msst(bands=7, width=3, loss_on=loss_on, norm_target=norm_target).eval()
    x = torch.randn(2, 7, 7, 9)
    valid = torch.rand(2, 7, 9) > (0.4 if with_nodata else -1)
    torch.manual_seed(5)
    loss = model(x, valid=valid if with_nodata else None, mode="loss")["loss"]
    torch.manual_seed(5)
    hidden, _, prediction = model.predict_patches(x)
    assert loss.item() == pytest.approx(slow_loss(model, x, valid, hidden, prediction).item(), rel=1e-5)


@pytest.mark.parametrize("masking", STRATEGIES)
def test_hidden_patches_leave_the_latent_unchanged(masking):
    model = lo_msst(bands=7, masking=masking).eval()
    x = torch.randn(2, 7, 7, 9)
    torch.manual_seed(3)
    made = model.reconstruct(x)["patches"]
    latents = []
    for image in (x, torch.where(made.hidden, 100 * torch.randn_like(x), x)):
        torch.manual_seed(3)
        hidden = model.masking(BatchRNG(2, "cpu"), 4, (4, 5)).flatten(1)
        visible = visible_first(hidden)[:, : int((~hidden[0]).sum())]
        latents.append(model.backbone.forward_visible(image, visible).patches)
        torch.manual_seed(3)
        assert torch.equal(model.reconstruct(image)["patches"].prediction, made.prediction)
    assert torch.equal(*latents)


@pytest.mark.parametrize("with_nodata", [False, True])
def test_the_reconstruction_of_hidden_patches_has_the_loss(with_nodata):
    model = lo_msst(bands=7, patch=4, width=3).eval()
    x = torch.randn(3, 7, 15, 18)
    valid = torch.rand(3, 15, 18) > 0.3 if with_nodata else None
    torch.manual_seed(4)
    loss = model(x, valid=valid, mode="loss")["loss"].item()
    torch.manual_seed(4)
    made = model.reconstruct(x, valid)["patches"]
    scored = made.hidden if valid is None else made.hidden & valid[:, None]
    assert (made.prediction - x)[scored].square().mean().item() == pytest.approx(loss, rel=1e-5)
    # A 3-D patch is hidden or seen as a whole.
    assert all(block.all() or not block.any() for block in (made.hidden[:1, 3:6, 4:8, 8:12], made.hidden[1:2, 6:, 12:]))


def test_the_reconstruction_of_normalised_targets_is_in_the_images_units():
    model = lo_msst(norm_target=True).eval()
    x = 5 + 0.1 * torch.randn(2, 8, 8, 8)
    torch.manual_seed(4)
    loss = model(x, mode="loss")["loss"].item()
    torch.manual_seed(4)
    made = model.reconstruct(x)["patches"]
    deviations = x.view(2, 4, 2, 4, 2, 4, 2).var((2, 4, 6), unbiased=False, keepdim=True).add(1e-6).sqrt()
    error = ((made.prediction - x).view(2, 4, 2, 4, 2, 4, 2) / deviations).view_as(x)
    assert error[made.hidden].square().mean().item() == pytest.approx(loss, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("masking", ["RandomMasking", "TubeMasking"])
def test_it_learns_to_continue_a_pattern(masking):
    model = lo_msst(masking=masking)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    # One 3-D patch a sample, repeated; normalised, since the embedding tells neither its mean nor its deviation.
    values = torch.nn.functional.layer_norm(torch.randn(8, 2, 2, 2), (2, 2, 2)).repeat(1, 4, 4, 4)
    losses = []
    for _ in range(60):
        loss = model(values, mode="loss")["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize(("arch", "layers"), [("base", 8), ("large", 12)])
def test_the_papers_sizes(arch, layers):
    model = lo_msst(bands=116, arch=arch, patch=8, width=4)
    assert sum(map(len, prunable_stages(model).values())) == layers
    loss = model(torch.randn(1, 116, 32, 32), mode="loss")["loss"]
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    decoder = sum(parameter.numel() for parameter in model.decoder.parameters())
    assert decoder < 0.35 * sum(parameter.numel() for parameter in model.backbone.parameters())


@pytest.mark.parametrize(("bands", "width"), [(8, 2), (7, 3)])
def test_patches_are_put_together_again(bands, width):
    embed = BlockwiseEmbed(in_channels=bands, embed_dims=4, patch_size=2, bands_per_block=width)
    x = torch.randn(2, bands, 5, 8)
    assert torch.equal(embed.images(*embed.patches(x))[:, :bands, :5], x)


@pytest.mark.parametrize("norm_before", [True, False])
def test_the_first_norm_takes_the_level_away(norm_before):
    embed = BlockwiseEmbed(8, 6, patch_size=2, bands_per_block=2, norm_before=norm_before)
    x = torch.randn(1, 8, 4, 4)
    assert torch.allclose(embed(x)[0], embed(2 * x + 3)[0], atol=1e-3) == norm_before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(ratio=0), "masking.ratio=0 leaves nothing to hide"),
        (dict(ratio=1.0), "leaves nothing to hide or nothing to see"),
        (dict(masking="MRSMasking"), r"masking=MRSMasking\(ratio=0.75\) given, expected a strategy over tokens"),
        (dict(loss_on="visible"), "loss_on='visible' is unknown, expected 'masked' or 'all'"),
    ],
)
def test_constructor_says_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        lo_msst(**change)


def test_the_backbone_must_be_an_sst():
    with pytest.raises(ConfigError, match="backbone HSIViT given, expected SST"):
        LOMSST(
            dict(type="HSIViT", in_channels=4, arch="tiny"),
            data_preprocessor=dict(type="TilePreprocessor", num_bands=4),
        )


@pytest.mark.parametrize(("ratio", "count"), [(0.01, 0), (0.99, 16)])
def test_too_few_patches_for_the_ratio(ratio, count):
    with pytest.raises(ConfigError, match=f"masking.ratio={ratio} hides {count} of 16 patches"):
        lo_msst(ratio=ratio)(torch.zeros(2, 8, 4, 4), mode="loss")
