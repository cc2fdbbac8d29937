"""The last layer in closed form, beside scikit-learn on features that are gathered pixel by pixel."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from scene_files import CLASSES, write_files
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from mmhsi.datasets import FewShotSplit, WholeSceneDataset
from mmhsi.engine import FitDiscriminantHook
from mmhsi.errors import ConfigError
from mmhsi.models import EncoderDecoder, MultiscaleLinearHead
from mmhsi.registry import MODELS

WIDTH = 7


@MODELS.register_module()
class Blurred(nn.Module):
    """Bands and their means over 3 × 3 pixels, mixed; at half the resolution if asked."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mix = nn.Conv2d(6, WIDTH, 3, padding=1, padding_mode="reflect", stride=stride)

    def forward(self, x):
        return (self.mix(x).tanh(),)


def segmentor(classes=2, tta=False, **backbone):
    head = dict(type="mmseg.FCNHead", in_channels=WIDTH, channels=WIDTH, in_index=0, num_convs=0, concat_input=False)
    return EncoderDecoder(
        backbone=dict(type=Blurred, **backbone),
        decode_head=dict(head, num_classes=classes, loss_decode=dict(type="CrossEntropyLoss")),
        data_preprocessor=dict(type="TilePreprocessor", num_bands=6, mean=[0.0] * 6, std=[3000.0] * 6),
        test_cfg=dict(mode="whole"),
        tta=tta,
    )


@pytest.fixture
def data(tmp_path):
    root, _, _ = write_files(tmp_path)
    scene = dict(image="cube.mat", labels="gt.mat", **CLASSES)
    return WholeSceneDataset(scene, root, split=FewShotSplit(25), pipeline=[dict(type="PackTile")])


def runner(model, data, iteration=0):
    loader = SimpleNamespace(dataset=data)
    logger = MMLogger.get_instance("fit")
    return SimpleNamespace(model=model, train_dataloader=loader, logger=logger, seed=0, iter=iteration)


def batch(model, data):
    sample = data[0]
    return model.data_preprocessor({key: [value] for key, value in sample.items()})


@torch.no_grad()
@pytest.mark.parametrize("tta", [False, True])
def test_scores_are_those_of_scikit_learn(data, tta):
    model = segmentor(tta=tta).eval()
    given = batch(model, data)
    image, labels = given["inputs"], given["data_samples"][0].gt_sem_seg.data[0].numpy()
    turned = [image]
    if tta:  # 12 × 15 pixels: half a turn and flips keep the size
        turned = [image, image.flip(2, 3), image.flip(3), image.flip(2)]
    maps = [model.backbone(each)[0] for each in turned]
    if tta:
        maps = [maps[0], maps[1].flip(2, 3), maps[2].flip(3), maps[3].flip(2)]
    features = torch.stack(maps).mean(0)[0].permute(1, 2, 0).numpy()
    places = [(row, column) for row in range(12) for column in range(15) if labels[row, column] != 255]
    samples = np.array([features[place] for place in places])
    known = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(samples, [labels[p] for p in places])
    FitDiscriminantHook().before_train(runner(model, data))
    scores = (
        model.encode_decode(image, [dict(img_shape=(12, 15))]).softmax(1)[0].permute(1, 2, 0).reshape(-1, 2).numpy()
    )
    assert scores == pytest.approx(known.predict_proba(features.reshape(-1, WIDTH)), abs=1e-5)
    assert len(places) == 50


def test_a_class_without_training_pixels_is_never_found(data):
    model = segmentor(classes=5).eval()
    FitDiscriminantHook().before_train(runner(model, data))
    scores = model.encode_decode(batch(model, data)["inputs"], [dict(img_shape=(12, 15))]).softmax(1)
    assert (scores[:, 2:] == 0).all()
    assert scores[:, :2].sum(1).detach().numpy() == pytest.approx(1)


def test_maps_of_half_the_resolution_are_brought_to_the_labels(data):
    model = segmentor(stride=2).eval()
    before = model.decode_head.conv_seg.weight.clone()
    FitDiscriminantHook(most=30).before_train(runner(model, data))
    assert (model.decode_head.conv_seg.weight != before).all()


def test_a_resumed_run_keeps_its_head(data):
    model = segmentor()
    before = model.decode_head.conv_seg.weight.clone()
    FitDiscriminantHook().before_train(runner(model, data, iteration=1))
    assert (model.decode_head.conv_seg.weight == before).all()
    assert model.training


def test_heads_that_end_otherwise_are_refused(data):
    model = segmentor()
    model.decode_head = MultiscaleLinearHead(
        in_channels=[WIDTH], in_index=[0], num_classes=2, loss_decode=dict(type="CrossEntropyLoss")
    )
    model.decode_head.conv_seg = nn.Conv2d(WIDTH, 2, 3)
    with pytest.raises(ConfigError, match="decode head ends in a 1 x 1 convolution"):
        FitDiscriminantHook().before_train(runner(model, data))


@pytest.mark.parametrize("most", [0, 5.5, "all", True])
def test_no_number_of_pixels_is_refused(most):
    with pytest.raises(ConfigError, match=f"FitDiscriminantHook: most={most!r} given, expected"):
        FitDiscriminantHook(most=most)


def test_data_without_labels_are_refused(tmp_path):
    root, _, _ = write_files(tmp_path)
    plain = WholeSceneDataset(dict(image="cube.mat"), root, subset="all", pipeline=[dict(type="PackTile")])
    with pytest.raises(ConfigError, match="FitDiscriminantHook: no training pixel has a label"):
        FitDiscriminantHook().before_train(runner(segmentor(), plain))
