"""Values of tiles: their files, the model that learns them, its figures, and maps of a scene."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmhsi.datasets import TileValueDataset
from mmhsi.engine import build_runner
from mmhsi.errors import ConfigError, DataError
from mmhsi.evaluation import ValueMetric, value_errors
from mmhsi.inference import SceneInferencer
from mmhsi.io import HSICube, write_cube
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec
from tests.small_models import SMALL

PIPELINE = [dict(type="LoadCube"), dict(type="PackTile")]
MODEL = dict(
    type="TileRegressor",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(type="HSIViT", arch=SMALL, patch_size=4),
    decode_head=dict(
        type="CNNHead",
        in_channels=16,
        channels=8,
        num_upsamples=1,
        num_classes=6,
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
    head=dict(type="RegressionHead"),
)


@pytest.fixture
def scene(tmp_path):
    """A scene of 24 x 16 pixels, of which one target is the first band and the other is not known on the right."""
    cube = np.random.default_rng(0).normal(5, 2, (24, 16, 4)).astype(np.float32)
    values = np.stack([cube[..., 0], 100 * cube[..., 1]], axis=2)
    values[:, 12:, 1] = np.nan
    write_cube(tmp_path / "cube.tif", HSICube(cube))
    write_cube(tmp_path / "values.tif", HSICube(values))
    return tmp_path, cube, values


def tiles(folder, **options):
    named = dict(image="cube.tif", values="values.tif", targets=["first", "second"], units=["m", "%"])
    given = dict(scene=named, data_root=str(folder), window=8, pipeline=PIPELINE)
    return TileValueDataset(**{**given, **options})


def test_tiles_of_a_scene_have_its_values_and_turn_with_them(scene):
    folder, cube, values = scene
    data = tiles(folder, turns=(0, 1))
    assert len(data) == 12
    np.testing.assert_array_equal(data[2]["data_samples"].gt_values.data.numpy()[0], values[:8, 8:, 0])
    turned = data[3]
    np.testing.assert_array_equal(turned["inputs"][0].numpy(), np.rot90(cube[:8, 8:, 0]))
    np.testing.assert_array_equal(
        turned["data_samples"].gt_values.data.numpy(), np.rot90(values[:8, 8:]).transpose(2, 0, 1)
    )
    first, second = InputSpec.from_meta(data.metainfo, "test").targets
    assert (first["name"], first["unit"]) == ("first", "m")
    assert second["mean"] == pytest.approx(np.nanmean(values[..., 1]), rel=1e-5)


def test_tiles_of_a_list_have_files_of_values(scene):
    folder, _, values = scene
    (folder / "list.csv").write_text("image,mask\ncube.tif,values.tif\ncube.tif,values.tif\n")
    data = tiles(folder, scene=dict(targets=["first", "second"]), split_file="list.csv", window=None)
    assert len(data) == 2
    np.testing.assert_array_equal(data[1]["data_samples"].gt_values.data.numpy(), values.transpose(2, 0, 1))
    with pytest.raises(DataError, match="cannot be cut, padded or resized"):
        tiles(folder, pipeline=[PIPELINE[0], dict(type="RandomResizedCrop", size=4), PIPELINE[1]])[0]


def test_tiles_may_lack_a_target(scene, monkeypatch):
    folder, _, values = scene
    write_cube(folder / "none.tif", HSICube(np.full_like(values, np.nan)))
    (folder / "list.csv").write_text("image,mask\ncube.tif,none.tif\ncube.tif,values.tif\n")
    # Of the two tiles the first alone is looked at, until it is seen that it does not do.
    monkeypatch.setattr("mmhsi.datasets.tile_values.FACTS_TILES", 1)
    data = tiles(folder, scene=dict(targets=["first", "second"]), split_file="list.csv", window=None)
    assert data[0]["data_samples"].gt_values.data.isnan().all()
    assert data.spec.targets[1]["mean"] == pytest.approx(np.nanmean(values[..., 1]), rel=1e-5)
    (folder / "list.csv").write_text("image,mask\ncube.tif,none.tif\n")
    with pytest.raises(DataError, match="first has no training value"):
        tiles(folder, scene=dict(targets=["first", "second"]), split_file="list.csv", window=None).full_init()


def test_the_loss_is_that_of_known_pixels_of_tiles_of_any_size():
    torch.manual_seed(0)
    head = dict(type="RegressionHead", num_targets=2, target_mean=[1.0, 2], target_std=[2.0, 3])
    model = MODELS.build(
        {**MODEL, "data_preprocessor": None, "head": head, "backbone": {**MODEL["backbone"], "in_channels": 4}}
    )
    samples = [SegDataSample(gt_values=PixelData(data=torch.randn(2, side, 8))) for side in (8, 5)]
    samples[0].gt_values.data[1, :3] = torch.nan
    x = torch.randn(2, 4, 8, 8)
    loss = model(x, samples, mode="loss")["loss"]
    made = model.eval()(x), model.train()(x)
    assert made[0].shape == (2, 2, 8, 8)
    scaled = [
        (made[1][i, :, :side] - torch.tensor([1.0, 2])[:, None, None]) / torch.tensor([2.0, 3])[:, None, None]
        for i, side in ((0, 8), (1, 5))
    ]
    truth = [
        (s.gt_values.data - torch.tensor([1.0, 2])[:, None, None]) / torch.tensor([2.0, 3])[:, None, None]
        for s in samples
    ]
    known = [each.isfinite() for each in truth]
    pairs = [torch.cat([each[where] for each, where in zip(some, known, strict=True)]) for some in (scaled, truth)]
    assert torch.allclose(loss, torch.nn.functional.huber_loss(*pairs), rtol=1e-4)


def test_a_tile_is_a_group_of_the_figures():
    rng = np.random.default_rng(0)
    metric = ValueMetric()
    metric.dataset_meta = InputSpec(
        classes=(), bands=(), file_bands=0, num_bands=0, targets=(dict(name="a", unit="m", mean=0.0, std=1.0),)
    ).to_meta()
    truth, predicted = rng.normal(size=(3, 1, 4, 4)), rng.normal(size=(3, 1, 4, 4))
    truth[0, 0, 0] = np.nan
    for index in range(3):
        maps = {"gt_values": truth[index], "pred_values": predicted[index]}
        sample = {key: dict(data=torch.from_numpy(value)) for key, value in maps.items()}
        metric.process({}, [dict(sample, img_path=f"{index}.tif")])
    known = np.isfinite(truth)
    groups = np.arange(3).repeat(16)[known.ravel()]
    expected = value_errors(truth[known], predicted[known], groups)
    found = metric.evaluate(3)
    assert found["RMSE"] == pytest.approx(expected["RMSE"])


def test_trained_on_tiles_it_makes_a_map_of_a_scene(scene, tmp_path):
    folder, cube, _ = scene
    loader = dict(batch_size=2, num_workers=0, sampler=dict(type="SeededSampler", shuffle=True))
    data = dict(type="TileValueDataset", scene=dict(image="cube.tif", values="values.tif", targets=["first", "second"]))
    data.update(data_root=str(folder), window=8, pipeline=PIPELINE)
    cfg = Config(
        dict(
            default_scope="mmhsi",
            model=MODEL,
            work_dir=str(tmp_path / "run"),
            train_dataloader=dict(loader, dataset=data),
            test_dataloader=dict(loader, sampler=dict(type="DefaultSampler", shuffle=False), dataset=data),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            test_cfg=dict(),
            test_evaluator=dict(type="ValueMetric"),
            optim_wrapper=dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3)),
            custom_hooks=[dict(type="FitPreprocessorHook")],
            log_level="WARNING",
        )
    )
    runner = build_runner(cfg)
    runner.train()
    metrics = runner.test()
    assert metrics["first/RMSE"] > 0
    inferencer = SceneInferencer(cfg, tmp_path / "run/epoch_1.pth", window=8, stride=8)
    made = torch.cat(
        [part.scores for part in inferencer.predict_rows(inferencer.open_scene(folder / "cube.tif"))], dim=1
    )
    tile = runner.test_dataloader.dataset[3]  # rows and columns 8 to 16, of which no other window knows
    batch = runner.model.data_preprocessor(pseudo_collate([tile]))
    (sample,) = runner.model.eval()(**batch, mode="predict")
    assert made.shape == (2, *cube.shape[:2])
    torch.testing.assert_close(made[:, 8:16, 8:16], sample.pred_values.data, rtol=1e-4, atol=1e-4)


def test_another_head_is_refused():
    with pytest.raises(ConfigError, match="expected a RegressionHead"):
        MODELS.build(
            {**MODEL, "data_preprocessor": None, "backbone": {**MODEL["backbone"], "in_channels": 4}}
            | dict(head=dict(type="mmpretrain.LinearClsHead", num_classes=2))
        )
