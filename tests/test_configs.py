"""Every config runs: two iterations and a test through mmengine's Runner, on generated files of its data's format."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.io import HSICube, write_class_map, write_cube
from mmhsi.registry import MODELS

ROOT = Path(__file__).resolve().parents[1] / "configs"
CONFIGS = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if "_base_" not in path.parts)


def write_salinas_a(folder: Path) -> None:
    """Keys, bands and label ids of the published files; 24 × 26 pixels. Splits of 4 pixels a class."""
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 10, 11, 12, 13, 14], (24, 26)).astype(np.uint8)
    cube = (rng.normal(2000, 300, (24, 26, 204)) + 40 * labels[..., None]).astype(np.int16)
    (folder / "salinas_a").mkdir()
    scipy.io.savemat(folder / "salinas_a/SalinasA_corrected.mat", {"salinasA_corrected": cube})
    scipy.io.savemat(folder / "salinas_a/SalinasA_gt.mat", {"salinasA_gt": labels})
    train = np.concatenate([np.flatnonzero(labels == label)[:4] for label in (1, 10, 11, 12, 13, 14)])
    (folder / "splits").mkdir()
    np.savez(
        folder / "splits/salinas_a_fewshot20_seed0.npz",
        train=train,
        test=np.setdiff1d(np.flatnonzero(labels), train)[:60],
    )


def write_enmap_potsdam(folder: Path) -> None:
    """GeoTIFF pairs of 32 × 32 pixels, 224 bands of which 6 are flagged and empty, csv splits."""
    rng = np.random.default_rng(0)
    root = folder / "enmap_potsdam"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    good = np.ones(224, dtype=bool)
    good[130:136] = False
    for subset in ("train", "validation", "test"):
        lines = ["image,mask"]
        for index in range(2):
            labels = rng.integers(0, 7, (32, 32)).astype(np.uint8)
            data = (rng.normal(900, 200, (32, 32, 224)) + 100 * labels[..., None]).astype(np.float32)
            data[:, :, ~good] = -32768
            name = f"{subset}_{index}.tif"
            write_cube(
                root / "images" / name, HSICube(data, np.linspace(418, 2446, 224), good_bands=good, nodata=-32768)
            )
            write_class_map(root / "labels" / name, labels, class_names=list("0123456"), palette=[(0, 0, 0)] * 7)
            lines.append(f"images/{name},labels/{name}")
        (root / f"{subset}_files.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def generated_data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_salinas_a(folder)
    write_enmap_potsdam(folder)
    write_scene(simulate_scene(40, 40, 64), folder / "demo")
    return folder


def save_pretrained(backbone: dict, path: Path) -> None:
    """A checkpoint such as pretraining leaves."""
    model = MODELS.build({key: value for key, value in backbone.items() if key != "init_cfg"})
    model.init_weights()
    torch.save(dict(state_dict={f"backbone.{key}": value for key, value in model.state_dict().items()}), path)


def test_there_are_configs():
    assert len(CONFIGS) >= 6


@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("name", CONFIGS)
def test_config_runs(name, generated_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = Config.fromfile(ROOT / name)
    cfg.work_dir = str(tmp_path)
    cfg.train_cfg = dict(by_epoch=False, max_iters=2)
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint = dict(type="CheckpointHook", by_epoch=False, interval=2)
    cfg.train_dataloader.batch_size = 2
    if "init_cfg" in cfg.model.backbone:
        cfg.model.backbone.init_cfg.checkpoint = str(tmp_path / "pretrained.pth")
        save_pretrained(cfg.model.backbone, tmp_path / "pretrained.pth")
    runner = Runner.from_cfg(cfg)
    before = {key: value.clone() for key, value in runner.model.named_parameters()}
    runner.train()
    changed = [key for key, value in runner.model.named_parameters() if not torch.equal(value, before[key])]
    assert changed
    assert all(value.isfinite().all() for value in runner.model.state_dict().values())
    assert (tmp_path / "iter_2.pth").is_file()
    if cfg.get("test_dataloader"):
        metrics = runner.test()
        assert 0 <= metrics["OA"] <= 100
