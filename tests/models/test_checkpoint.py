"""Loading weights honestly."""

import pickle

import pytest
import torch
from evil import Evil

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.models import HSIViT, load_weights
from mmhsi.models.weights import read_checkpoint


def vit(bands=4, **kwargs):
    return HSIViT(in_channels=bands, arch="tiny", img_size=8, patch_size=4, **kwargs)


@pytest.fixture
def checkpoint(tmp_path):
    model = vit()
    state = {f"backbone.{key}": value for key, value in model.state_dict().items()}
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), tmp_path / "a.pth")
    return tmp_path / "a.pth", model


def test_init_cfg_pretrained_loads_a_prefix(checkpoint):
    path, source = checkpoint
    model = vit(init_cfg=dict(type="Pretrained", checkpoint=str(path), prefix="backbone."))
    model.init_weights()
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), source.state_dict().values(), strict=True)
    )


def test_other_band_count_is_an_error_not_a_skip(checkpoint):
    path, _ = checkpoint
    model = vit(5, init_cfg=dict(type="Pretrained", checkpoint=str(path), prefix="backbone."))
    with pytest.raises(
        ConfigError, match=r"patch_embed\.projection\.weight has shape \(128, 4, 4, 4\), the model expects.*input_layer"
    ):
        model.init_weights()


@pytest.mark.parametrize(
    ("prefix", "strict", "message"),
    [("encoder.", False, "nothing under 'encoder.' fits HSIViT"), ("", True, "nothing fits HSIViT")],
)
def test_nothing_that_fits_is_an_error(checkpoint, prefix, strict, message):
    with pytest.raises(ConfigError, match=message):
        load_weights(vit(), checkpoint[0], prefix, strict)


def test_strict_wants_every_weight(checkpoint, tmp_path):
    state = torch.load(checkpoint[0])["state_dict"]
    state.pop("backbone.norm.weight")
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(ConfigError, match=r"lacks 1 of the model's weights, such as norm\.weight"):
        load_weights(vit(), tmp_path / "b.pth", "backbone.")
    load_weights(vit(), tmp_path / "b.pth", "backbone.", strict=False)


def test_a_checkpoint_with_code_is_refused_and_not_run(tmp_path):
    torch.save(dict(state_dict={}, extra=Evil(tmp_path / "ran")), tmp_path / "evil.pth")
    (tmp_path / "evil2.pth").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(FileFormatError, match=rf"{name}: not weights .*trust_checkpoint"):
            load_weights(vit(), tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_missing_or_damaged_file(tmp_path, content):
    path = tmp_path / "c.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        FileFormatError, match=r"c\.pth: (no such file|damaged|not weights|the file is empty)"
    ) as caught:
        load_weights(vit(), path)
    assert "\n" not in str(caught.value)


def test_flipped_bits_and_cut_files_are_noticed(checkpoint):
    path, model = checkpoint
    whole = path.read_bytes()
    weights = model.state_dict()["patch_embed.projection.weight"].numpy().tobytes()
    place = whole.index(weights[:64])
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    torch.load(path)  # does not notice
    with pytest.raises(FileFormatError, match=r"a\.pth: damaged.*checksum"):
        read_checkpoint(path)
    for length in (100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"a\.pth: (damaged|not weights)"):
            read_checkpoint(path)
    path.write_bytes(whole)
    assert read_checkpoint(path)["meta"] == {"epoch": 1}


def test_a_trusted_file_is_rewritten_without_its_code(tmp_path, run_tool, capsys):
    torch.save(dict(state_dict=dict(a=torch.arange(3.0)), extra=Evil(tmp_path / "ran")), tmp_path / "evil.pth")
    assert run_tool("converters/trust_checkpoint", tmp_path / "evil.pth", "--out", tmp_path / "good.pth") == 0
    assert (tmp_path / "ran").exists()  # as the tool says
    assert torch.equal(read_checkpoint(tmp_path / "good.pth")["state_dict"]["a"], torch.arange(3.0))
    torch.save(dict(state_dict={}), tmp_path / "empty.pth")
    assert run_tool("converters/trust_checkpoint", tmp_path / "empty.pth", "--out", tmp_path / "out.pth") == 2
    assert "holds no tensors" in capsys.readouterr().err
    assert not (tmp_path / "out.pth").exists()


def test_safetensors_are_read_and_damaged_ones_are_named(checkpoint, tmp_path):
    from safetensors.torch import save_file

    state = {"layers.0.weight": torch.randn(3, 4), "half": torch.randn(5).half()}
    path = tmp_path / "model.safetensors"
    save_file(state, path)
    found = read_checkpoint(path)["state_dict"]
    assert all(torch.equal(found[key], value) for key, value in state.items())
    whole = path.read_bytes()
    for content in (whole[:-1], whole[:20], whole[:4], whole + b"x", b"\x80" + whole[1:], b"\xff" * 8 + whole[8:]):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"model.safetensors: damaged, or no checkpoint"):
            read_checkpoint(path)
    save_file({"weight": torch.tensor([float("nan")])}, path)
    with pytest.raises(FileFormatError, match="weight holds NaN"):
        read_checkpoint(path)
