"""MaskedSST's weights in SST: the layout of its public code, its features, what does not fit.

Names, shapes and features in ``public_encoders.json`` are those that the public code's ``ViTSpatialSpectral`` gave, run
elsewhere: 10 bands in blocks of 5, windows of 4 × 4 pixels in patches of 2.
"""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.estimator.pretrained import pretrained_candidate
from mmhsi.models import transfer_weights
from mmhsi.models.backbones.sst import SST
from mmhsi.models.weights import convert, read_checkpoint
from mmhsi.models.weights.families import WEIGHTS
from tests.models.test_public_encoders import PUBLIC, image, public_state

ARCH = dict(embed_dims=24, spatial_layers=2, spectral_layers=2, num_heads=2, head_dims=8, feedforward_channels=16)


def small(**options):
    given = dict(arch=ARCH, patch_size=2, bands_per_block=5, position_grid=(2, 2), final_norm=False)
    return SST(10, **{**given, **options}).eval()


@pytest.mark.parametrize("layout", ["MaskedSST", "MaskedSST-spectral"])
@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_features_are_those_of_the_public_code(layout, prefix, tmp_path):
    state = {f"{prefix}{name}": value for name, value in public_state(layout).items()}
    if prefix:  # of pretraining, whose head is no part of the encoder
        state |= {"mask_token": torch.zeros(24), "to_pixels.0.weight": torch.zeros(20, 24)}
    torch.save({"model_state_dict": state, "losses": torch.zeros(3)}, tmp_path / "public.pth")
    model = small()
    report = transfer_weights(model, tmp_path / "public.pth")
    assert report.unused == []
    assert set(report.new) == {key for key in model.state_dict() if key.endswith("pruned")}
    with torch.no_grad():
        (tokens,) = model.encode(model.embed(image(10, 4)), [3])
    torch.testing.assert_close(tokens.patches[0, :, :4], torch.tensor(PUBLIC[layout]["features"]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("spatial_spectral_transformer.3.", "nothing for 2 of .* layers of SST"),
        ("to_patch_embedding.blockwise_embed.1.bias", "map of a block of bands is missing"),
        ("pos_embedding", "positions are missing"),
    ],
)
def test_file_that_lacks_a_layer_is_refused(lost, message, tmp_path):
    state = {name: value for name, value in public_state("MaskedSST").items() if not name.startswith(lost)}
    torch.save({"model_state_dict": state}, tmp_path / "public.pth")
    with pytest.raises(ConfigError, match=message):
        transfer_weights(small(), tmp_path / "public.pth")


def test_weights_of_other_bands_are_refused(tmp_path):
    torch.save({"model_state_dict": public_state("MaskedSST")}, tmp_path / "public.pth")
    with pytest.raises(ConfigError, match="shape"):
        transfer_weights(
            SST(15, arch=ARCH, patch_size=2, bands_per_block=5, position_grid=(2, 2)), tmp_path / "public.pth"
        )
    with pytest.raises(ConfigError, match="lacks 44 weights"):
        convert("masked-sst-enmap", tmp_path / "public.pth")


def test_published_sizes(scope, tmp_path):
    options = {key: value for key, value in WEIGHTS["masked-sst-enmap"].backbone.items() if key != "type"}
    model = SST(**options)
    head, unused = 2 * 96 + 96 * 8 + 8, 96  # of the public code's model of 8 classes: its head, its last position
    assert sum(value.numel() for value in model.parameters()) + head + unused == 1_821_564  # as its notebook prints
    state = {}
    for name, value in model.state_dict().items():
        for index, public in ((1, "spatial_layers"), (3, "spectral_layers")):
            name = name.replace(f"{public}.", f"spatial_spectral_transformer.{index}.layers.")
        for own, public in (
            ("norm1", "0.norm"),
            ("attention.qkv", "0.fn.to_qkv"),
            ("attention.projection", "0.fn.to_out.0"),
            ("norm2", "1.norm"),
            ("mlp", "1.fn.net"),
            ("patch_embed.norm_before", "to_patch_embedding.pre_norm"),
            ("patch_embed.norm_after", "to_patch_embedding.post_norm"),
        ):
            name = name.replace(f"{own}.", f"{public}.")
        if name == "patch_embed.weight":
            state |= {f"to_patch_embedding.blockwise_embed.{i}.weight": part.T.clone() for i, part in enumerate(value)}
        elif name == "patch_embed.bias":
            state |= {f"to_patch_embedding.blockwise_embed.{i}.bias": part[0].clone() for i, part in enumerate(value)}
        elif name == "position.table":
            state["pos_embedding"] = torch.cat([value.flatten(0, 1), torch.zeros(1, 96)])[None]
        elif not name.endswith("pruned"):
            state[name] = value
    torch.save({"model_state_dict": state}, tmp_path / "public.pth")
    made = convert("masked-sst-enmap", tmp_path / "public.pth")["state_dict"]
    for name, value in model.state_dict().items():
        if not name.endswith("pruned"):
            assert torch.equal(made[f"backbone.{name}"], value)
    assert read_checkpoint(tmp_path / "public.pth")["state_dict"].keys() == state.keys()


def test_a_scene_of_any_bands_is_not_given_weights_of_certain_bands():
    with pytest.raises(ConfigError, match="masked-sst-enmap: is of certain bands"):
        pretrained_candidate("masked-sst-enmap")


def test_learned_positions_of_another_grid_are_interpolated():
    model = small()
    with torch.no_grad():
        model.position.table.copy_(torch.arange(2.0)[:, None, None].expand(2, 4, 24))  # the block's number everywhere
        at = model.position((3, 5))
    assert at.shape == (2, 15, 24)
    torch.testing.assert_close(at, torch.arange(2.0)[:, None, None].expand(2, 15, 24))
    (feature,) = model(torch.zeros(1, 10, 6, 10))
    assert feature.shape == (1, 24, 3, 5)
    with pytest.raises(ConfigError, match="position_grid"):
        small(position_grid=(0, 2))
