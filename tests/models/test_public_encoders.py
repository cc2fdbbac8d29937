"""Public weights of encoders of any bands: true layouts, features of the public code, the command, configs by name.

``public_encoders.json`` holds names and shapes as the public code of each makes them, at small sizes, and the first
four features of CLS and every patch that it gave for the weights and the image below: DOFA of torchgeo 0.8.1,
Panopticon, SpectralEarth and DINOv3 of their repositories, DINOv3 of transformers 5.23 too.
"""

import json
from pathlib import Path

import pytest
import torch
from evil import Evil

from mmhsi.config_files import load_config
from mmhsi.errors import ConfigError, DataError, DataWarning, FileFormatError
from mmhsi.models import HSIViT, transfer_weights
from mmhsi.models.weights import convert, read_checkpoint
from mmhsi.models.weights.families import FAMILIES, WEIGHTS, PublicWeights, catalogue, public_weights
from mmhsi.registry import MODELS as REGISTRY
from mmhsi.spec import InputSpec
from tests.scripts import load_script

PUBLIC = json.loads(Path(__file__).with_suffix("").with_name("public_encoders.json").read_text())
ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=128)
CENTRES = [443.0, 560.0, 665.0, 842.0, 1610.0]
ROTARY = dict(
    in_channels=3,
    arch=dict(embed_dims=128, num_layers=2, num_heads=2, feedforward_channels=192),
    img_size=32,
    patch_size=16,
    pos_embed="rotary",
    num_registers=4,
    layer_scale_init_value=1e-5,
    with_mask_token=True,
)
MODELS = {
    "DOFA": (
        dict(arch=ARCH, img_size=32, patch_size=16, embedding=dict(type="DOFAEmbed")),
        CENTRES,
    ),
    "Panopticon": (
        dict(
            arch=ARCH,
            img_size=28,
            patch_size=14,
            pos_embed="learned",
            layer_scale_init_value=1e-5,
            with_mask_token=True,
            embedding=dict(type="PanopticonEmbed", width=48, num_heads=4),
        ),
        CENTRES,
    ),
    "SpectralEarth": (
        dict(arch=ARCH, img_size=8, patch_size=4, pos_embed="learned", embedding=dict(type="SpectralEarthEmbed")),
        torch.linspace(420, 2450, 202).tolist(),
    ),
    "DINOv3": (ROTARY, None),
    "DINOv3 of transformers": (ROTARY, None),
    "DINOv3, gated": ({**ROTARY, "ffn_type": "swiglu_fused"}, None),
    "DINOv3 of transformers, gated": ({**ROTARY, "ffn_type": "swiglu_fused"}, None),
}


def public_state(family):
    """Weights that need no generator of random numbers: sines of running numbers, over the names in order."""
    fixed = dict(
        num_batches_tracked=lambda shape: torch.zeros(shape, dtype=torch.int64),
        periods=lambda shape: torch.tensor([100 ** (index / shape[0]) for index in range(shape[0])]),
        bias_mask=lambda shape: torch.tensor([1.0, 0.0, 1.0]).repeat_interleave(shape[0] // 3),
    )
    state, start = {}, 0
    for name, shape in sorted(PUBLIC[family]["shapes"].items()):
        if name.endswith(tuple(fixed)):
            state[name] = fixed[name.rpartition(".")[2]](shape)
            continue
        size = torch.zeros(shape).numel()
        value = torch.sin(torch.arange(start, start + size, dtype=torch.float64) * 0.7391).view(shape)
        if name.endswith("running_var"):
            value = 1 + 0.5 * value
        elif value.ndim > 1:
            value = value * (2 / value[0].numel()) ** 0.5
        else:
            scale = name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "gamma", "lambda1"))
            value = 0.1 * value + float(scale)
        state[name], start = value.float(), start + size
    return state


def image(bands, side):
    count = bands * side * side
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.3717).float().view(1, bands, side, side)


@pytest.mark.parametrize("family", MODELS)
def test_features_are_those_of_the_public_code(family, tmp_path):
    options, centres = MODELS[family]
    torch.save(public_state(family), tmp_path / "public.pth")
    model = HSIViT(**options).eval()
    report = transfer_weights(model, tmp_path / "public.pth")
    assert set(report.new) == {"layers.pruned"} | ({"pos_grid"} if centres else set())
    assert report.unused == []
    with torch.no_grad():
        tokens = model.forward_tokens(image(len(centres or "rgb"), options["img_size"]), wavelengths=centres).sequence()
    # Codes of the centres are float32 there and float64 here: 1e-4 of an angle at 1610 nm.
    torch.testing.assert_close(tokens[0, :, :4], torch.tensor(PUBLIC[family]["features"]), atol=5e-4, rtol=0)


@pytest.mark.parametrize("name", WEIGHTS)
def test_what_is_recorded_is_whole(name):
    found = public_weights(name)
    assert isinstance(found, PublicWeights)
    assert found.family in {family.name for family in FAMILIES}
    assert found.license
    assert found.citation
    assert found.carried or found.homepage.startswith("https://")
    assert found.normalisation
    bands = {} if found.wavelengths is None else dict(in_channels=len(found.wavelengths))
    with torch.device("meta"):
        model = REGISTRY.build(dict(found.backbone, **bands))
    certain = found.wavelengths is not None or found.family in ("MaskedSST", "HyperSIGMA-spat", "HyperSIGMA-spec")
    assert getattr(model, "any_bands", False) != certain


@pytest.fixture
def small_dofa(monkeypatch, tmp_path):
    """A file of DOFA's layout, and weights of this size in the catalogue."""
    backbone = dict(type="HSIViT", **MODELS["DOFA"][0])
    known = public_weights("dofa-vit-b")
    small = PublicWeights("dofa-vit-b", known.family, backbone, known.citation, known.license, known.homepage)
    monkeypatch.setitem(catalogue.WEIGHTS, "dofa-vit-b", small)
    torch.save(public_state("DOFA"), tmp_path / "dofa.pth")
    return tmp_path / "dofa.pth"


def test_a_converted_file_is_read_by_name(small_dofa, tmp_path, monkeypatch):
    from mmhsi.models.weights import write_checkpoint

    write_checkpoint(convert("dofa-vit-b", small_dofa), tmp_path / "weights/dofa-vit-b.pth")
    checkpoint = read_checkpoint(tmp_path / "weights/dofa-vit-b.pth")
    assert "CC-BY-4.0" in InputSpec.from_meta(checkpoint["meta"]["dataset_meta"], "test").protocol
    monkeypatch.setenv("MMHSI_WEIGHTS", str(tmp_path / "weights"))
    config = tmp_path / "config.py"
    config.write_text("model = dict(backbone=dict(pretrained='dofa-vit-b', frozen_stages=1, out_indices=(0, 1)))\n")
    cfg = load_config(config)
    model = REGISTRY.build(cfg.model.backbone)
    model.init_weights()
    assert model.frozen_stages == 1
    assert torch.equal(model.layers[1].ln1.weight, public_state("DOFA")["blocks.1.norm1.weight"])


def test_weights_that_are_not_there_are_said_to_be_had(tmp_path, monkeypatch):

    monkeypatch.setenv("MMHSI_WEIGHTS", str(tmp_path))
    config = tmp_path / "config.py"
    for name, how in (("dofa-vit-b", "mmhsi weights get dofa-vit-b"), ("spectralearth-vit-s", "by way of https://")):
        arch = {"embed_dims": 32, "num_layers": 1, "num_heads": 2, "feedforward_channels": 32}
        config.write_text(f"model = dict(backbone=dict(pretrained='{name}', arch={arch}))\n")
        with pytest.raises(ConfigError, match=how):
            REGISTRY.build(load_config(config).model.backbone).init_weights()


def test_weights_are_got_by_name_and_revision_and_compared(small_dofa, tmp_path, monkeypatch, capsys):
    from dataclasses import replace
    from hashlib import sha256

    asked = []

    def hub(repository, file, revision, local_dir):
        asked.append((repository, file, revision))
        return str(small_dofa)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", hub)
    monkeypatch.setenv("MMHSI_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("sys.argv", ["weights", "get", "dofa-vit-b"])
    main = load_script("tools/weights.py").main
    digest = sha256(small_dofa.read_bytes()).hexdigest()[:8]
    known = replace(catalogue.WEIGHTS["dofa-vit-b"], hub=("owner/name", "file.pth", "abc"), sha256=digest)
    monkeypatch.setitem(catalogue.WEIGHTS, "dofa-vit-b", known)
    main()
    assert read_checkpoint(tmp_path / "weights/dofa-vit-b.pth")["state_dict"]
    assert asked == [("owner/name", "file.pth", "abc")]
    monkeypatch.setitem(catalogue.WEIGHTS, "dofa-vit-b", replace(known, sha256="00000000"))
    with pytest.raises(DataError, match="checksum"):
        main()
    monkeypatch.setattr("sys.argv", ["weights", "get", "dofa-vit-b", "--revision", "other"])
    main()  # of which no checksum is known
    assert asked[-1][2] == "other"
    monkeypatch.setattr("sys.argv", ["weights", "get", "spectralearth-vit-s"])
    with pytest.raises(ConfigError, match=r"is not on the hub, .* by way of https://"):
        main()


def test_what_does_not_fit_is_said(small_dofa, tmp_path):
    torch.save(public_state("SpectralEarth"), tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="lacks"):
        convert("dofa-vit-b", tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="dofa-vit-l"):
        public_weights("dofa-vit-xl")
    for odd in (3, "", ["dofa-vit-b"]):
        with pytest.raises(ConfigError, match="is none of the public weights"):
            public_weights(odd)
    state = public_state("DOFA")
    state["cls_token"] = torch.zeros(1, 1, 48)
    torch.save(state, tmp_path / "wide.pth")
    with pytest.raises(ConfigError, match="another size"):
        convert("dofa-vit-b", tmp_path / "wide.pth")
    config = tmp_path / "config.py"
    config.write_text("model = dict(backbone=dict(pretrained='dofa-vit-b', init_cfg=dict(type='Pretrained')))\n")
    with pytest.raises(ConfigError, match="either pretrained"):
        load_config(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: {key.replace("blocks.1.", "blocks.2."): value for key, value in state.items()}, "no such layer"),
        (lambda state: {"norm.weight": "text"}, "norm.weight is a str"),
        (lambda state: {"cls_token": state["cls_token"].long()}, "cls_token holds int64, expected float32"),
        (lambda state: {"cls_token": state["cls_token"].to(torch.complex64)}, "cls_token holds complex64"),
    ],
)
def test_what_is_added_or_of_another_kind_is_refused(small_dofa, change, said):
    state = public_state("DOFA")
    torch.save({**state, **change(state)}, small_dofa)
    with pytest.raises((ConfigError, FileFormatError), match=said):
        convert("dofa-vit-b", small_dofa)


def test_what_an_encoder_has_no_place_for_is_said(small_dofa):
    torch.save({**public_state("DOFA"), "classifier.weight": torch.zeros(3)}, small_dofa)
    with pytest.warns(DataWarning, match="no place for 1 weight, left out: classifier.weight"):
        made = convert("dofa-vit-b", small_dofa)
    assert not [key for key in made["state_dict"] if "classifier" in key]


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"a": Evil(tmp_path / "touched")}, tmp_path / "evil.pth")
    with pytest.raises(FileFormatError):
        convert("dofa-vit-b", tmp_path / "evil.pth")
    assert not (tmp_path / "touched").exists()


def test_the_command_lists_tells_and_converts(small_dofa, tmp_path, monkeypatch, capsys):
    main = load_script("tools/weights.py").main
    for arguments, said in (
        (["list"], [*WEIGHTS, "SSTN"]),
        (["list", "panopticon-vit-b"], ["Apache-2.0", "arXiv"]),
        (["list", "SSTN"], ["mmhsi weights convert SSTN FILE, then load_from"]),
        (["convert", "dofa-vit-b", str(small_dofa), "--out", str(tmp_path / "made.pth")], ["tensors"]),
    ):
        monkeypatch.setattr("sys.argv", ["weights", *arguments])
        main()
        printed = capsys.readouterr().out
        assert all(some in printed for some in said)
    assert read_checkpoint(tmp_path / "made.pth")["state_dict"]
