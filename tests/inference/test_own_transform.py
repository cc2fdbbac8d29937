"""A transform of a user's own, written as docs/extend/transform.md teaches: training and map apply the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import torch
from mmengine.config import Config
from scene_models import FCN

from mmhsi.io import HSICube, open_cube, write_cube
from mmhsi.models.weights import read_checkpoint
from mmhsi.registry import TRANSFORMS
from mmhsi.spec import InputSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODULE = '''
import numpy as np
from mmhsi.datasets.transforms.common import CubeTransform
from mmhsi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Absorbance(CubeTransform):
    """-log10 of reflectance."""

    scope = "pixel"

    def __init__(self, white: float) -> None:
        self.white = white

    def transform(self, results: dict) -> dict:
        results["img"] = -np.log10(np.maximum(results["img"], 1) / np.float32(self.white))
        return results


@TRANSFORMS.register_module()
class WithIndex(CubeTransform):
    """Append the normalised difference of two bands as a band."""

    scope = "pixel"

    def __init__(self, high: int, low: int) -> None:
        self.high, self.low = high, low

    def transform(self, results: dict) -> dict:
        image = results["img"].astype(np.float32)
        high, low = image[..., self.high], image[..., self.low]
        results["img"] = np.concatenate([image, (high - low)[..., None] / (high + low + 1)[..., None]], axis=2)
        results["wavelengths"] = results["fwhm"] = None
        return results
'''


def absorbance(cube: np.ndarray) -> np.ndarray:
    return -np.log10(np.maximum(cube, 1) / np.float32(9000))


def with_index(cube: np.ndarray) -> np.ndarray:
    image = cube.astype(np.float32)
    high, low = image[..., 40], image[..., 20]
    return np.dstack([image, (high - low) / (high + low + 1)])


def good_bands(scene: Path) -> np.ndarray:
    """What is read of a scene."""
    with open_cube(scene) as reader:
        return reader.read(bands=np.flatnonzero(reader.info.good_bands).tolist()).data


OWN = {
    "Absorbance": (dict(type="Absorbance", white=9000), absorbance),
    "WithIndex": (dict(type="WithIndex", high=40, low=20), with_index),
}


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of a user's, which the config imports."""
    (tmp_path / "own_bands.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "own_bands"
    sys.modules.pop("own_bands", None)
    for name in OWN:
        TRANSFORMS.module_dict.pop(name, None)


def config(module: str, data: Path, step: dict, bands: int, kind: str) -> dict:
    """A training of one epoch, of pixels or of tiles."""
    backbone = dict(type="OneConvolution", in_channels=bands, channels=6, kernel=3)
    if kind == "pixels":
        split = dict(type="FewShotSplit", per_class=5, seed=0)
        dataset = dict(type="SceneDataset", scene="demo", data_root=str(data), window=5, split=split, transforms=[step])
        model = dict(
            type="PixelClassifier",
            data_preprocessor=dict(type="ScenePreprocessor", num_bands=bands),
            backbone=backbone,
            neck=dict(type="mmpretrain.GlobalAveragePooling"),
            head=dict(
                type="mmpretrain.LinearClsHead",
                in_channels=6,
                num_classes=8,
                loss=dict(type="mmpretrain.CrossEntropyLoss"),
            ),
        )
    else:
        pipeline = [dict(type="LoadCube"), dict(type="LoadLabels"), step, dict(type="RandomDihedral")]
        dataset = dict(
            type="TileDataset",
            scene="demo",
            data_root=str(data),
            window=8,
            pipeline=[*pipeline, dict(type="PackTile")],
        )
        model = dict(
            type="EncoderDecoder",
            data_preprocessor=dict(type="TilePreprocessor", num_bands=bands),
            backbone=backbone,
            decode_head=dict(num_classes=8, loss_decode=dict(type="CrossEntropyLoss"), **FCN),
            test_cfg=dict(mode="whole"),
        )
    return dict(
        default_scope="mmhsi",
        custom_imports=dict(imports=[module]),
        model=model,
        train_dataloader=dict(batch_size=8, num_workers=0, sampler=dict(type="SeededSampler"), dataset=dataset),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=0.01)),
        default_hooks=dict(checkpoint=dict(type="AtomicCheckpointHook", interval=2)),
        custom_hooks=[dict(type="FitPreprocessorHook"), dict(type="SeedIterationHook")],
        randomness=dict(seed=0),
    )


@pytest.mark.parametrize("kind", ["pixels", "tiles"])
@pytest.mark.parametrize("name", OWN)
def test_a_map_is_made_behind_it(
    own_module: str, place: Path, run_tool: Callable[..., int], tmp_path: Path, name: str, kind: str
) -> None:
    step, by_hand = OWN[name]
    scene = place / "demo/demo_cube.tif"
    cube = good_bands(scene)
    bands = by_hand(cube[:1, :1]).shape[2]
    path = tmp_path / "config.py"
    Config(config(own_module, place, step, bands, kind)).dump(path)
    assert run_tool("train", path, "--work-dir", tmp_path / "out") == 0
    checkpoint = tmp_path / "out/epoch_2.pth"
    whole = read_checkpoint(checkpoint)
    spec = InputSpec.from_meta(whole["meta"]["dataset_meta"], "checkpoint")
    assert spec.transforms == (step,)
    assert spec.num_bands == bands
    assert spec.model_wavelengths == (spec.wavelengths if name == "Absorbance" else None)

    def classes(checkpoint: Path, scene: Path, name: str) -> np.ndarray:
        assert run_tool("predict", path, checkpoint, scene, "--out", tmp_path / name, "--device", "cpu") == 0
        with rasterio.open(tmp_path / name) as file:
            return file.read(1)

    found = classes(checkpoint, scene, "map.tif")
    assert len(np.unique(found)) > 2
    # The same weights without transforms, on a scene that was transformed by hand.
    write_cube(tmp_path / "by_hand.tif", HSICube(by_hand(cube).astype(np.float32)))
    meta = dict(spec.to_meta(), transforms=[], bands=list(range(bands)), file_bands=bands, wavelengths=None)
    torch.save(dict(state_dict=whole["state_dict"], meta=dict(dataset_meta=meta)), tmp_path / "plain.pth")
    np.testing.assert_array_equal(found, classes(tmp_path / "plain.pth", tmp_path / "by_hand.tif", "expected.tif"))
    if name == "Absorbance":  # and it matters
        write_cube(tmp_path / "raw.tif", HSICube(cube))
        assert (found != classes(tmp_path / "plain.pth", tmp_path / "raw.tif", "dropped.tif")).mean() > 0.1


def test_a_published_checkpoint_says_what_to_import(
    own_module: str, place: Path, run_tool: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path, scene = tmp_path / "config.py", place / "demo/demo_cube.tif"
    Config(config(own_module, place, OWN["Absorbance"][0], good_bands(scene).shape[2], "pixels")).dump(path)
    assert run_tool("train", path, "--work-dir", tmp_path / "out") == 0
    assert (
        run_tool("converters/publish_model", path, tmp_path / "out/epoch_2.pth", "--out", tmp_path / "model.pth") == 0
    )
    (published,) = tmp_path.glob("model-*.pth")
    del TRANSFORMS.module_dict["Absorbance"]
    capsys.readouterr()
    assert run_tool("predict", published, scene, "--out", tmp_path / "map.tif") == 2
    assert (
        "its transforms: type='Absorbance' is not registered; import the module that registers it"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "map.tif").exists()
