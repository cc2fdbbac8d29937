"""The visualizer: any number of bands in, one picture to every backend."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmengine.visualization import Visualizer
from mmseg.structures import SegDataSample
from PIL import Image

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import VISUALIZERS
from mmhsi.spec import InputSpec
from mmhsi.visualization import false_colour
from mmhsi.visualization.error_map import ERROR_COLOURS
from mmhsi.visualization.hsi_visualizer import HSIVisualizer
from mmhsi.visualization.map_figure import PANEL
from mmhsi.visualization.style import DPI

META = InputSpec(
    classes=("a", "b"),
    palette=((250, 10, 10), (10, 10, 250)),
    bands=(0, 1, 2, 3),
    file_bands=4,
    num_bands=4,
    model_wavelengths=(450.0, 550.0, 640.0, 900.0),
).to_meta()
IMAGE = np.random.default_rng(0).normal(2000, 500, (8, 8, 4)).astype(np.float32)


def sample(truth=None, prediction=None):
    found = SegDataSample()
    if truth is not None:
        found.gt_sem_seg = PixelData(data=torch.from_numpy(truth)[None])
    if prediction is not None:
        found.pred_sem_seg = PixelData(data=torch.from_numpy(prediction)[None])
    return found


def visualizer(tmp_path, **options):
    made = HSIVisualizer(vis_backends=[dict(type="LocalVisBackend")], save_dir=str(tmp_path), **options)
    made.dataset_meta = META
    return made


def test_it_is_registered_and_mmengines():
    made = VISUALIZERS.build(dict(type="HSIVisualizer", name="built"))
    assert isinstance(made, HSIVisualizer)
    assert isinstance(made, Visualizer)


def test_picture_by_wavelength_or_bands(tmp_path):
    valid = np.ones((8, 8), bool)
    valid[0] = False
    assert np.array_equal(visualizer(tmp_path).picture(IMAGE, valid), false_colour(IMAGE, bands=(2, 1, 0), valid=valid))
    chosen = visualizer(tmp_path, bands=(3, 2, 0), percentiles=(10, 90)).picture(IMAGE)
    assert np.array_equal(chosen, false_colour(IMAGE, bands=(3, 2, 0), percentiles=(10, 90)))
    # A pipeline made other bands: their wavelengths are not known.
    assert np.array_equal(visualizer(tmp_path).picture(IMAGE[..., :3]), false_colour(IMAGE[..., :3]))
    drawn = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
    assert visualizer(tmp_path).picture(drawn) is drawn


def shares(path):
    """Pixels of the figure by colour, in panels, which are square."""
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return lambda colour: (pixels == colour).all(1).sum() / (PANEL * DPI) ** 2


def test_truth_prediction_and_errors(tmp_path):
    truth, prediction = np.zeros((8, 8), int), np.zeros((8, 8), int)
    truth[:2], truth[2:4], prediction[4:6] = 255, 1, 1  # 16 unlabelled, 16 wrong, 16 wrong, 16 right
    visualizer(tmp_path).add_datasample("tile", IMAGE, sample(truth, prediction), step=7)
    share = shares(tmp_path / "vis_data/vis_image/tile_7.png")
    assert share(ERROR_COLOURS["wrong"]) == pytest.approx(0.5, abs=0.02)
    assert share(ERROR_COLOURS["right"]) == pytest.approx(0.25, abs=0.02)
    assert share(META["palette"][0]) == pytest.approx(0.5 + 0.75, abs=0.02)
    assert share(META["palette"][1]) == pytest.approx(0.25 + 0.25, abs=0.02)


def test_prediction_alone_and_finer_than_the_image(tmp_path):
    made = visualizer(tmp_path)
    fine = np.ones((16, 16), int)
    made.add_datasample("fine", IMAGE, sample(fine, fine), draw_gt=False, out_file=tmp_path / "f.png")
    share = shares(tmp_path / "f.png")
    assert share(META["palette"][1]) == pytest.approx(1, abs=0.02)
    assert share(ERROR_COLOURS["wrong"]) == 0
    assert not (tmp_path / "vis_data/vis_image").exists() or not list((tmp_path / "vis_data/vis_image").iterdir())
    made.add_datasample("image", IMAGE)
    written = np.asarray(Image.open(tmp_path / "vis_data/vis_image/image_0.png"))
    assert np.array_equal(written, made.picture(IMAGE))
    with pytest.raises(DataError, match=r"\(12, 12\) pixels does not fit"):
        made.add_datasample("odd", IMAGE, sample(prediction=np.zeros((12, 12), int)))
    made.dataset_meta = {}
    with pytest.raises(ConfigError, match="names no classes"):
        made.add_datasample("none", IMAGE, sample(prediction=fine))


def test_tensorboard(tmp_path):
    pytest.importorskip("torch.utils.tensorboard", reason="tensorboard is not installed")
    made = HSIVisualizer(vis_backends=[dict(type="TensorboardVisBackend")], save_dir=str(tmp_path))
    made.dataset_meta = META
    made.add_datasample("tile", IMAGE, sample(prediction=np.zeros((8, 8), int)), step=1)
    made.close()
    assert max(path.stat().st_size for path in tmp_path.rglob("events.out.tfevents*")) > 5000
