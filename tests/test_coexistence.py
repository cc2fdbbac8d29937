"""mmhsi in one environment with TerraTorch, pycocotools and transformers 5, all really installed."""

from __future__ import annotations

import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import run_command

PEERS = Path(__file__).parent / "data/coexistence.txt"
MODELS_OF_BOTH = """
import importlib, sys

ways = dict(mmhsi=["mmhsi.datasets", "mmhsi.models"], terratorch=["pycocotools.mask", "terratorch.models"])
for package in sys.argv[1:]:
    for name in ways[package]:
        importlib.import_module(name)

import torch, transformers
from mmengine.registry import DefaultScope
from mmhsi.registry import MODELS
from mmpretrain.utils.dependency import WITH_MULTIMODAL
from terratorch.models import EncoderDecoderFactory

# What mmpretrain's language models break on.
assert int(transformers.__version__.split(".")[0]) >= 5 and WITH_MULTIMODAL
cubes = torch.rand(2, 4, 32, 32)
statistics = dict(num_bands=4, mean=[0.5] * 4, std=[0.25] * 4)
classifier = dict(
    type="PixelClassifier",
    data_preprocessor=dict(type="ScenePreprocessor", **statistics),
    backbone=dict(type="CNN2D", in_channels=4),
    neck=dict(type="mmpretrain.GlobalAveragePooling"),
    head=dict(type="mmpretrain.LinearClsHead", in_channels=128, num_classes=3),
)
segmentor = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="TilePreprocessor", **statistics),
    backbone=dict(type="mmseg.ResNetV1c", depth=18, in_channels=4),
    decode_head=dict(
        type="mmseg.FCNHead",
        in_channels=512,
        channels=8,
        num_convs=1,
        in_index=3,
        num_classes=3,
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
    test_cfg=dict(mode="whole"),
)
with DefaultScope.overwrite_default_scope("mmhsi"), torch.no_grad():
    classifier, segmentor = (MODELS.build(each).eval() for each in (classifier, segmentor))
    scores = classifier.head(classifier.extract_feat(cubes))
    maps = segmentor(cubes, mode="tensor")
peer = EncoderDecoderFactory().build_model(
    task="segmentation",
    backbone="timm_resnet18",
    decoder="FCNDecoder",
    backbone_pretrained=False,
    backbone_in_chans=4,
    num_classes=3,
)
theirs = peer.eval()(cubes).output
print(*(list(each.shape) for each in (scores, maps, theirs)), sep="\\n")
"""


@pytest.fixture
def beside_terratorch(tmp_path: Path) -> Path:
    """Python of an environment that has TerraTorch, and the packages of this one after it."""
    if find_spec("transformers") is None:
        pytest.skip("transformers is not installed")
    venv.create(tmp_path, with_pip=False)
    python = next(path for path in (tmp_path / "bin/python", tmp_path / "Scripts/python.exe") if path.is_file())
    own = sysconfig.get_path("purelib", vars=dict(base=str(tmp_path), platbase=str(tmp_path)))
    Path(own, "below.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--retries", "1"]
    done = run_command([*pip, "install", "--quiet", "--no-deps", "--only-binary", ":all:", "-r", PEERS])
    if "(from versions: none)" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.slow
def test_models_are_built_in_one_process_with_those_of_terratorch(beside_terratorch: Path, repository: Path) -> None:
    for order in (("mmhsi", "terratorch"), ("terratorch", "mmhsi")):
        done = run_command([beside_terratorch, "-c", MODELS_OF_BOTH, *order], cwd=repository)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-3:] == ["[2, 3]", "[2, 3, 1, 1]", "[2, 3, 32, 32]"], order
