"""Models and transforms that a checkpoint carries are parts of a network, or refused in one line."""

from __future__ import annotations

import inspect
import re
import sys

import pytest
import torch
from fuzz import attacks
from fuzz.attacks import create
from mmengine import registry as root
from scene_models import META, PIXEL, SEGMENT
from torch import nn

from mmhsi.carried_config import check_type
from mmhsi.errors import ConfigError, FileFormatError, MMHSIError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.bounded_building import BoundedBuilding
from mmhsi.inference.publishing import publish_checkpoint
from mmhsi.registry import MODELS

pytestmark = [pytest.mark.usefixtures("scope"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def marker(tmp_path):
    """A file that nothing may create."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists()


def published(tmp_path, model):
    torch.save(dict(state_dict={}, meta=dict(dataset_meta={**META, "window": [6, 6]}, model=model)), tmp_path / "p.pth")
    return tmp_path / "p.pth"


@pytest.mark.parametrize("name", attacks.MODELS)
@pytest.mark.parametrize("base", [PIXEL, SEGMENT], ids=["pixels", "tiles"])
def test_a_published_model_is_parts_of_a_network_alone(name, base, marker, tmp_path):
    part = attacks.MODELS[name](marker)
    places = ("backbone", "neck", "head", "data_preprocessor") if base is PIXEL else ("decode_head", "auxiliary_head")
    for place in places:
        path = published(tmp_path, {**base, place: part})
        with pytest.raises((FileFormatError, ConfigError), match=r"p\.pth"):
            SceneInferencer(None, path, "cpu")


@pytest.mark.parametrize("model", [None, [], "abc", {}, dict(type="PixelClassifier"), dict(backbone={}), {5: 6}])
def test_a_published_model_that_is_none(model, tmp_path):
    with pytest.raises(FileFormatError, match=r"p\.pth"):
        SceneInferencer(None, published(tmp_path, model), "cpu")


@pytest.mark.parametrize("size", [1 << 21, -(10**30)], ids=["2^21", "-1e30"])
def test_sizes_that_no_network_has(size, tmp_path):
    model = {**PIXEL, "head": {**PIXEL["head"], "in_channels": size}}
    with pytest.raises(FileFormatError, match=r"p\.pth.*holds a whole number above"):
        SceneInferencer(None, published(tmp_path, model), "cpu")


@pytest.mark.parametrize(
    "size", [dict(embed_dims=1 << 15, num_layers=1), dict(embed_dims=8, num_layers=1 << 18)], ids=["wide", "deep"]
)
def test_a_network_far_larger_than_its_weights_is_not_built(size, tmp_path, monkeypatch):
    """It would take 12 GB, or an hour."""
    monkeypatch.setattr("mmhsi.inference.bounded_building.CALLS", 2000)
    arch = dict(num_heads=2, feedforward_channels=8, **size)
    backbone = dict(type="HSIViT", arch=arch, img_size=6, patch_size=3)
    path = published(tmp_path, {**PIXEL, "backbone": backbone})
    with pytest.raises(FileFormatError, match=r"p\.pth: its model is far larger than its weights"):
        SceneInferencer(None, path, "cpu")


def test_a_refusal_leaves_gradients_as_they_were(monkeypatch):
    """At whatever call it comes: weights are initialised within torch.no_grad, whose end is a call too."""
    monkeypatch.setattr("mmhsi.inference.bounded_building.CALLS_A_WEIGHT", 0)
    refused = 0
    for calls in range(1, 60):
        monkeypatch.setattr("mmhsi.inference.bounded_building.CALLS", calls)
        try:
            with BoundedBuilding({}, "p.pth"):
                for _ in range(2):
                    nn.init.trunc_normal_(nn.Linear(3, 3).weight)
        except FileFormatError:
            refused += 1
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
    assert 20 < refused < 59


@pytest.mark.parametrize("name", ["RandomMasking", "OHEMPixelSampler", "HSIViT"])
def test_no_module_beside_the_file_is_imported(name, marker, tmp_path, monkeypatch):
    """A registered name, looked up in another registry, would be imported as a module."""
    (tmp_path / f"{name}.py").write_text(create(marker))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FileFormatError, match=f"type='{name}' is (also the name of a module|not registered)"):
        SceneInferencer(None, published(tmp_path, {**PIXEL, "neck": dict(type=name)}), "cpu")
    assert name not in sys.modules


@pytest.mark.parametrize(
    "transform",
    [
        dict(type="subprocess.run", args=["touch", "x"]),
        dict(type="SelectBands", _scope_="evil", bands=[0]),
        dict(type="mmseg.Resize", scale=2),
        dict(type="LoadCube"),
        dict(type="SelectBands", bands=dict(type="os.system")),
        dict(type=["SelectBands"]),
        dict(bands=[0]),
    ],
)
def test_transforms_that_a_checkpoint_names(transform, trained, scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6], transforms=[transform])
    with pytest.raises(MMHSIError):
        SceneInferencer(config, checkpoint, "cpu").write_map(scene[0], tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()


def test_a_model_that_nobody_could_build_is_not_published(trained, tmp_path):
    config, checkpoint, _ = trained(PIXEL)
    config.model.backbone.type = "my.own.Backbone"
    with pytest.raises(FileFormatError, match=r"the model cannot be published.*'my\.own\.Backbone' is not registered"):
        publish_checkpoint(config, checkpoint, tmp_path / "out.pth")
    assert not list(tmp_path.glob("out*"))


OPENS = re.compile(
    r"create_model\(|from_pretrained\(|torch\.(load|hub)\b|load_checkpoint\(|mmengine\.load\(|np\.load\(|pickle\."
    r"|import_module\(|(?<![.\w])(eval|exec|open)\("
)
"""What a module of a class that may be built should not do."""
LATER = {
    *(f"mmseg.models.backbones.{name}" for name in ("beit", "mae", "pidnet", "swin", "vit")),
    "mmseg.models.decode_heads.san_head",
}
"""Modules that load weights in ``init_weights`` alone, by ``init_cfg``, which no carried config may have."""


def test_classes_that_may_be_built_open_no_files():
    """Of every version of the sister packages that is installed."""
    import mmpretrain.models  # noqa: F401
    import mmseg.models  # noqa: F401

    opening, allowed = set(), 0
    for registry in (root.MODELS, root.TASK_UTILS):
        for scope, node in (("mmengine", registry), *registry.children.items()):
            for name, kind in node.module_dict.items() if scope != "mmhsi" else ():
                try:
                    check_type(f"{scope}.{name}", "x", (MODELS, root.TASK_UTILS))
                except FileFormatError:
                    continue
                allowed += 1
                if OPENS.search(inspect.getsource(sys.modules[kind.__module__])):
                    opening.add(kind.__module__)
    assert allowed > 150
    assert {name for name in opening if not name.startswith("torch.")} <= LATER
