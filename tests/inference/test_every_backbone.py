"""Every backbone maps a scene as its windows say, one after the other: also those that take whole rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scene_models import pixel_model
from small_parts import ARGUMENTS

from mmhsi.inference import SceneInferencer
from mmhsi.models import backbones

OTHERWISE = {"ExViT", "FreeNet", "TwoSources"}  # a second source, whole scenes
IN_ROWS = {"CNN2D", "CNN3D", "MultiScaleWindows"}
QUICK = {*IN_ROWS, "HSIViT", "SSMAEFusion", "SSMAEViT", "SpectralRNN"}
BACKBONES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in ARGUMENTS
    if hasattr(backbones, name.partition(",")[0]) and name not in OTHERWISE
]


@pytest.mark.parametrize("name", BACKBONES)
def test_maps_are_those_of_windows(trained, scene, map_of, name: str) -> None:
    options = {key: value for key, value in ARGUMENTS[name].items() if key != "second_bands"}
    model = pixel_model(dict(options, type=name.partition(",")[0], in_channels=4), dict(type="CenterContext"), 0)
    del model["head"]["in_channels"]  # the backbone tells
    config, checkpoint, network = trained(dict(model, tta=True), window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, device="cpu")
    assert inferencer.model.takes_rows((9, 9)) == (name in IN_ROWS)
    classes = map_of(inferencer, scene[0])
    data = np.where(scene[1] == -9999, 0, (scene[1] - 500) / 200)[:, :, [0, 1, 2, 4]]  # without data: the mean
    padded = np.pad(data, ((4, 4), (4, 4), (0, 0)), mode="reflect")
    places = [(0, 0), (8, 10), (16, 3), (9, 22), (12, 12), (3, 5)]
    windows = np.stack([padded[row : row + 9, column : column + 9].transpose(2, 0, 1) for row, column in places])
    with torch.inference_mode():
        scores = network.predict_scores(torch.from_numpy(windows).float())
    assert [int(classes[place]) for place in places] == scores.argmax(dim=1).tolist()
