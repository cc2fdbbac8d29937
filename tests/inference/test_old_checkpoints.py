"""A checkpoint written before there was InputSpec gives the map that it gave then; see tests/data/before_input_spec."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmhsi.errors import MMHSIError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.publishing import publish_checkpoint, published_model
from mmhsi.models.weights import read_checkpoint
from mmhsi.spec import VERSION, VERSION_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


@pytest.fixture
def old(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: None) -> Path:
    """A copy of the folder, from where its files are named."""
    folder = tmp_path / "old"
    shutil.copytree(repository / "tests/data/before_input_spec", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def config(old: Path) -> Config:
    """Its config under the names of today."""
    text = (old / "config.py").read_text()
    (old / "today.py").write_text(text.replace("CentreContext", "CenterContext"))
    return Config.fromfile(old / "today.py")


def test_the_map_is_the_same(old: Path, config: Config, map_of: Callable[..., np.ndarray]) -> None:
    expected = np.load(old / "expected.npz")
    inferencer = SceneInferencer(config, old / "checkpoint.pth", "cpu")
    found = map_of(inferencer, old / "scene.npy", probabilities=old / "probabilities.tif")
    np.testing.assert_array_equal(found, expected["classes"])
    with inferencer.open_scene(old / "scene.npy") as rows:
        scores = torch.cat([part.scores for part in inferencer.predict_rows(rows)], dim=1)
    np.testing.assert_allclose(scores.numpy(), expected["probabilities"], atol=1e-5)
    assert [step["type"] for step in inferencer.spec.transforms] == ["ScaleReflectance", "PCAProject", "Standardize"]
    assert (inferencer.spec.num_bands, inferencer.spec.window) == (8, (5, 5))


def test_published_then_or_now(old: Path, config: Config, map_of: Callable[..., np.ndarray]) -> None:
    expected = np.load(old / "expected.npz")["classes"]
    then = read_checkpoint(old / "checkpoint.pth")
    then["meta"]["model"] = Config.fromfile(old / "config.py").model.to_dict()
    assert then["meta"]["model"]["neck"]["type"] == "CentreContext"
    torch.save(then, old / "then.pth")
    np.testing.assert_array_equal(map_of(SceneInferencer(None, old / "then.pth", "cpu"), old / "scene.npy"), expected)
    now = publish_checkpoint(config, old / "checkpoint.pth", old / "now.pth")
    assert read_checkpoint(now)["meta"]["dataset_meta"][VERSION_KEY] == VERSION
    np.testing.assert_array_equal(map_of(SceneInferencer(None, now, "cpu"), old / "scene.npy"), expected)


def test_former_names_of_arguments(old: Path) -> None:
    then = read_checkpoint(old / "checkpoint.pth")
    then["meta"]["model"] = dict(type="PixelClassifier", backbone=dict(type="IMAEViT", mark_centre=False))
    torch.save(then, old / "then.pth")
    assert published_model(old / "then.pth").model.backbone == dict(type="IMAEViT", mark_center=False)


@pytest.mark.parametrize("name", ["subprocess.getoutput", "mmengine.mkdir_or_exist", "antigravity"])
@pytest.mark.parametrize("where", ["model", "transform", "wrapped"])
def test_names_in_a_file_are_not_looked_up_as_functions(old: Path, config: Config, where: str, name: str) -> None:
    """mmengine's registries would call whatever a dotted name means."""
    whole, ran = read_checkpoint(old / "checkpoint.pth"), old / "ran"
    model = config.model.to_dict()
    step = dict(type=name, cmd=f"touch {ran}") if "sub" in name else dict(type=name, dir_name=str(ran))
    if where == "model":
        model["neck"] = step
    else:
        wrapped = dict(type="RandomApply", prob=1.0, transforms=[step])
        whole["meta"]["dataset_meta"]["transforms"] = [wrapped if where == "wrapped" else step]
    whole["meta"]["model"] = model
    torch.save(whole, old / "hostile.pth")
    message = "no part of a network|not registered|is no word|also the name of a module"
    with pytest.raises(MMHSIError, match=rf"checkpoint .*hostile\.pth: .*({message})"):
        SceneInferencer(None, old / "hostile.pth", "cpu").write_map(old / "scene.npy", old / "map.tif")
    assert not ran.exists()
