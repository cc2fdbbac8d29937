"""Loading weights honestly."""

import pickle

import pytest
import torch

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.models import HSIViT, load_weights

pytestmark = pytest.mark.usefixtures("scope")


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


class Evil:
    """Unpickling it would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_checkpoint_with_code_is_refused_and_not_run(tmp_path):
    torch.save(dict(state_dict={}, extra=Evil(tmp_path / "ran")), tmp_path / "evil.pth")
    (tmp_path / "evil2.pth").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(FileFormatError, match=f"{name}: not a readable weights-only checkpoint"):
            load_weights(vit(), tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_missing_or_damaged_file(tmp_path, content):
    path = tmp_path / "c.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"c\.pth: (no such file|not a readable|the file is empty)") as caught:
        load_weights(vit(), path)
    assert "\n" not in str(caught.value)
