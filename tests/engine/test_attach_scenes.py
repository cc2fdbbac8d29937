"""One copy of a scene on the device, however many loaders and processes read it."""

import gc

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmhsi.errors import ConfigError
from mmhsi.models.weights import read_checkpoint

SIDE, BANDS, WINDOW = 23, 11, 5


@pytest.fixture
def data(tmp_path):
    """A cube with three classes that differ in their spectra."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (SIDE, SIDE)).astype(np.uint8)
    np.save(tmp_path / "labels.npy", labels)
    cube = rng.normal(1000, 50, (SIDE, SIDE, BANDS)) + 60 * labels[..., None] * np.linspace(0, 1, BANDS)
    np.save(tmp_path / "cube.npy", cube.astype(np.float32))
    return tmp_path


def config(data, work_dir, workers=0, hooks=("FitPreprocessorHook", "AttachScenesHook"), **loading):
    scene = dict(image="cube.npy", labels="labels.npy", classes=["a", "b", "c"], label_ids=[1, 2, 3])
    shared = dict(type="SceneDataset", scene=scene, data_root=str(data), split=dict(type="FewShotSplit", per_class=30))

    def loader(subset, shuffle):
        sampler = dict(type="SeededSampler", shuffle=shuffle)
        dataset = dict(subset=subset, window=WINDOW, **shared)
        return dict(dict(batch_size=16, num_workers=workers, sampler=sampler, dataset=dataset), **loading)

    loss = dict(type="mmpretrain.CrossEntropyLoss")
    return Config(
        dict(
            default_scope="mmhsi",
            work_dir=str(work_dir),
            experiment_name=str(work_dir),
            model=dict(
                type="PixelClassifier",
                data_preprocessor=dict(type="ScenePreprocessor", num_bands=BANDS, augments=[dict(type="BatchNoise")]),
                backbone=dict(type="CNN2D", in_channels=BANDS),
                neck=dict(type="CenterContext"),
                head=dict(type="mmpretrain.LinearClsHead", in_channels=256, num_classes=3, loss=loss),
            ),
            train_dataloader=loader("train", True),
            val_dataloader=loader("test", False),
            test_dataloader=loader("test", False),
            val_evaluator=dict(type="LandCoverMetric"),
            test_evaluator=dict(type="LandCoverMetric"),
            train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=2),
            val_cfg=dict(),
            test_cfg=dict(),
            optim_wrapper=dict(optimizer=dict(type="AdamW", lr=5e-3)),
            custom_hooks=[dict(type=hook) for hook in (*hooks, "SeedIterationHook")],
            default_hooks=dict(checkpoint=dict(type="CheckpointHook", interval=2)),
            randomness=dict(seed=3),
            log_level="ERROR",
        )
    )


def scenes_on_the_device():
    """Tensors that hold the whole scene, with or without mirrored borders, each storage once."""
    sizes = [4 * (SIDE + margin) ** 2 * BANDS for margin in (0, WINDOW - 1)]
    tensors = [item for item in gc.get_objects() if isinstance(item, torch.Tensor)]
    storages = [item.untyped_storage() for item in tensors]
    return len({storage.data_ptr() for storage in storages if storage.nbytes() in sizes})


@pytest.mark.parametrize("workers", [0, 2])
def test_one_copy_whatever_the_number_of_workers(data, tmp_path, workers):
    cfg = config(data, tmp_path / "run", workers, collate_fn=dict(type="collate_pixels"))
    batches = []
    gc.collect()
    before = scenes_on_the_device()
    runner = Runner.from_cfg(cfg)
    forward = runner.model.data_preprocessor.forward
    runner.model.data_preprocessor.forward = lambda batch, training=False: (
        batches.append(batch) or forward(batch, training)
    )
    runner.train()
    runner.test()
    gc.collect()
    assert scenes_on_the_device() - before == 1
    assert len(runner.model.data_preprocessor._samplers) == 1
    assert all(value.numel() <= 16 for batch in batches for value in batch.values() if isinstance(value, torch.Tensor))


def test_indices_train_as_windows_do(data, tmp_path):
    runs = {
        "indices": dict(collate_fn=dict(type="collate_pixels")),
        "indices of workers": dict(collate_fn=dict(type="collate_pixels"), workers=2),
        "stacked windows": dict(collate_fn=dict(type="default_collate")),
        "listed windows": dict(),
    }
    results = {}
    for name, loading in runs.items():
        runner = Runner.from_cfg(config(data, tmp_path / name, **loading))
        runner.train()
        metrics = runner.test()
        results[name] = metrics, read_checkpoint(tmp_path / name / "epoch_2.pth")["state_dict"]
    metrics, weights = results.pop("indices")
    assert metrics["OA"] > 40
    for others, other in results.values():
        assert others == metrics
        assert all(torch.equal(other[key], weights[key]) for key in weights)


def test_without_the_hook_the_message_says_what_is_missing(data, tmp_path):
    cfg = config(data, tmp_path / "run", hooks=("FitPreprocessorHook",), collate_fn=dict(type="collate_pixels"))
    with pytest.raises(ConfigError, match="keep AttachScenesHook in custom_hooks"):
        Runner.from_cfg(cfg).train()
