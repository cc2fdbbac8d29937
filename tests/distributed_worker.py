"""What tests/test_distributed.py runs in one process and in several: every method's training, and evaluations."""

from __future__ import annotations

from pathlib import Path

import distributed_cases as cases
import distributed_equality as equality
import torch
from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmhsi.datasets import SceneDataset
from mmhsi.engine import prepare_distributed
from mmhsi.evaluation import metric
from mmhsi.registry import DATASETS

TILES = 7  # on 2 ranks in batches of 2: the last batch is uneven, and one sample is repeated


@DATASETS.register_module()
class OddScene(SceneDataset):
    """An odd number of pixels of a scene."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.pixels = self.pixels[: len(self.pixels) - 1 + len(self.pixels) % 2]


def evaluations(folder: Path, scene: Path) -> dict[str, dict]:
    """Models, data and metrics."""
    fitted = dict(num_bands=cases.BANDS, mean=[50.0] * cases.BANDS, std=[5.0] * cases.BANDS)

    def tiles(kind: str) -> dict:
        return dict(type="EqualitySamples", kind=kind, length=TILES)

    def land_cover(name: str) -> dict:
        return dict(type="LandCoverMetric", out_file=str(folder / f"{name}.json"))

    tile_model = dict(cases.CASES["Segmentation, batch norm"].model)
    tile_model["data_preprocessor"] = dict(type="TilePreprocessor", **fitted)
    mae = dict(cases.CASES["MAE, hidden patches"].model, data_preprocessor=dict(type="TilePreprocessor", **fitted))
    ss_mae = dict(cases.CASES["SS-MAE, MRS"].model, data_preprocessor=dict(type="TilePreprocessor", **fitted))
    pixel_model = dict(cases.CASES["Pixel classification"].model)
    pixel_model["backbone"] = dict(pixel_model["backbone"], in_channels=56, img_size=9)
    pixel_model["head"] = dict(pixel_model["head"], num_classes=5)
    pixel_model["data_preprocessor"] = dict(
        type="ScenePreprocessor", num_bands=56, mean=[2000.0] * 56, std=[1000.0] * 56
    )
    pixels = dict(type="OddScene", scene="demo", data_root=str(scene), window=9, subset="labeled")
    return {
        "tiles": dict(
            model=tile_model,
            dataset=tiles("labeled"),
            metrics=[land_cover("tiles"), dict(type="mmseg.IoUMetric", prefix="mmseg")],
        ),
        "pixels": dict(model=pixel_model, dataset=pixels, metrics=[land_cover("pixels")]),
        "mae": dict(model=mae, dataset=tiles("tile"), metrics=[dict(type="ReconstructionMetric")]),
        "ss_mae": dict(model=ss_mae, dataset=tiles("tile"), metrics=[dict(type="ReconstructionMetric")]),
    }


def evaluate(folder: Path, scene: Path, launcher: str) -> dict:
    """All metrics by evaluation, the data sets' sizes, and how many reports this process wrote."""
    written = []
    original = metric.write_report
    metric.write_report = lambda path, *rest: written.append(Path(path).name) or original(path, *rest)
    results: dict = {"metrics": {}, "sizes": {}}
    try:
        for name, part in evaluations(folder, scene).items():
            cfg = Config(
                dict(
                    default_scope="mmhsi",
                    launcher=launcher,
                    work_dir=str(folder / name),
                    experiment_name=f"{launcher}_{name}",
                    model=part["model"],
                    test_dataloader=dict(
                        batch_size=2 if name != "pixels" else 16,
                        num_workers=0,
                        sampler=dict(type="DefaultSampler", shuffle=False),
                        dataset=part["dataset"],
                    ),
                    test_evaluator=part["metrics"],
                    test_cfg=dict(),
                    default_hooks=dict(checkpoint=None, logger=None),
                    randomness=dict(seed=3),
                    log_level="ERROR",
                )
            )
            prepare_distributed(cfg)
            runner = Runner.from_cfg(cfg)
            results["metrics"][name] = {key: float(value) for key, value in runner.test().items()}
            results["sizes"][name] = len(runner.test_dataloader.dataset)
    finally:
        metric.write_report = original
    results["written"] = written
    return results


def run(folder: Path, scene: Path, launcher: str) -> dict:
    """Train and evaluate everything, and keep it in ``rank_R.pt``."""
    folder.mkdir(exist_ok=True)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        results = dict(trained=equality.train_all(folder, launcher), evaluated=evaluate(folder, scene, launcher))
    torch.save(results, folder / f"rank_{get_rank()}.pt")
    return results
