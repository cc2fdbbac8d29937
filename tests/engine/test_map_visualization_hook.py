"""Which pictures the hook asks for, and what is in them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop
from mmengine.structures import PixelData
from mmengine.visualization import Visualizer
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

from mmhsi.datasets import SceneDataset, collate_pixels
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.engine import MapVisualizationHook
from mmhsi.errors import ConfigError
from mmhsi.visualization.hsi_visualizer import HSIVisualizer


class Watched(HSIVisualizer):
    """Remembers what it is given."""

    def __init__(self, name="watched"):
        super().__init__(name)
        self.calls = []

    def add_datasample(self, name, image, data_sample=None, step=0, valid=None):
        self.calls.append((name, image, data_sample, step, valid))


def a_run(dataset, epoch=0):
    loader = SimpleNamespace(dataset=dataset, sampler=range(len(dataset)))
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    return SimpleNamespace(
        visualizer=Watched(), val_dataloader=loader, test_dataloader=loader, train_loop=loop, epoch=epoch
    )


def tiles(first, count):
    inputs = [torch.full((5, 4, 6), first + index) for index in range(count)]
    outputs = [SegDataSample(pred_sem_seg=PixelData(data=torch.zeros(1, 4, 6).long())) for _ in inputs]
    return dict(inputs=inputs, valid=[torch.ones(4, 6).bool()] * count), outputs


def validate(hook, runner):
    """Ten tiles, four at a time."""
    hook.before_val_epoch(runner)
    for batch, (first, count) in enumerate(((0, 4), (4, 4), (8, 2))):
        hook.after_val_iter(runner, batch, *tiles(first, count))
    hook.after_val_epoch(runner, {})


def test_tiles_are_spread_and_always_the_same():
    runner = a_run(range(10), epoch=3)
    hook = MapVisualizationHook(num_samples=2)
    validate(hook, runner)
    validate(hook, runner)
    assert [(name, image[0, 0, 0].item(), step) for name, image, _, step, _ in runner.visualizer.calls] == [
        ("val_2", 2, 3),
        ("val_7", 7, 3),
    ] * 2
    _, image, sample, _, valid = runner.visualizer.calls[0]
    assert (image.shape, valid.shape) == ((4, 6, 5), (4, 6))
    assert "pred_sem_seg" in sample


def test_interval_counts_validations_and_a_test_is_always_drawn():
    runner = a_run(range(10))
    hook = MapVisualizationHook(num_samples=99, interval=2)
    for expected in (10, 10, 20):
        validate(hook, runner)
        assert len(runner.visualizer.calls) == expected
    del runner.train_loop  # a test is not to set up a training
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, *tiles(0, 4))
    assert [(name, step) for name, _, _, step, _ in runner.visualizer.calls[20:]] == [
        (f"test_{index}", 0) for index in range(4)
    ]


def test_pixel_classification_gives_the_scene(tmp_path):
    write_scene(simulate_scene(24, 26, 64), tmp_path / "demo")
    split = dict(type="FewShotSplit", per_class=3, seed=0)
    dataset = SceneDataset("demo", str(tmp_path), window=5, subset="test", split=split)
    runner = a_run(dataset)
    hook = MapVisualizationHook()
    hook.before_test_epoch(runner)
    answers = np.arange(len(dataset)) % dataset.spec.num_classes
    for start in range(0, len(dataset), 100):
        part = list(range(start, min(start + 100, len(dataset))))
        batch = collate_pixels(dataset.__getitems__(part))
        outputs = [DataSample().set_pred_label(int(answers[index])) for index in part]
        hook.after_test_iter(runner, 0, batch, outputs)
    hook.after_test_epoch(runner, {})
    ((name, image, sample, _, _),) = runner.visualizer.calls
    assert name == "test_scene"
    assert image.shape == dataset.cube.data.shape
    predicted = sample.pred_sem_seg.data[0].numpy()
    assert np.array_equal(sample.gt_sem_seg.data[0].numpy(), dataset.labels)
    expected = np.full(predicted.size, 255)
    for pixel, answer in zip(dataset.pixels, answers, strict=True):
        expected[pixel] = answer
    assert np.array_equal(predicted.ravel(), expected)


def test_bad_arguments_and_another_visualizer():
    with pytest.raises(ConfigError, match="interval=0"):
        MapVisualizationHook(interval=0)
    runner = a_run(range(3))
    runner.visualizer = Visualizer()
    with pytest.raises(ConfigError, match="HSIVisualizer"):
        MapVisualizationHook().before_test_epoch(runner)
