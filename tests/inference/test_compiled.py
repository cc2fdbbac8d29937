"""Maps of networks that torch compiles."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from scene_models import CONV, PIXEL_CONV, SEGMENT, VIT, pixel_model

from mmhsi.errors import ConfigError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.compiled import compile_passes
from mmhsi.registry import MODELS

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
MIDDLE = dict(type="CenterContext")
WAYS = {
    "windows": dict(pixel_model(VIT, MIDDLE, 32), tta=True),
    "pixels embedded once": dict(
        pixel_model(dict(VIT, embedding="spectral-stem", wavelengths=[500.0, 900.0, 700.0, 1600.0]), MIDDLE, 32),
        tta=True,
    ),
    "rows": dict(pixel_model(dict(type="CNN2D", in_channels=4), MIDDLE, 256), tta=True),
    "tiles": SEGMENT,
}
CLASSICAL = dict(
    type="ClassicalClassifier",
    data_preprocessor=PIXEL_CONV["data_preprocessor"],
    backbone=dict(type="LDA"),
    num_classes=3,
)


@pytest.fixture(params=["eager", pytest.param("inductor", marks=pytest.mark.slow)])
def graphs(request, monkeypatch):
    """Graphs that have been compiled, with the compiler itself in slow tests alone."""
    torch._dynamo.reset()
    monkeypatch.setenv("_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR", "")  # which the compiler sets
    made, compile_ = [], torch.compile
    compiler = torch._dynamo.lookup_backend(request.param)

    def counted(graph, inputs, **options):
        made.append(graph)
        return compiler(graph, inputs, **options)

    monkeypatch.setattr(torch, "compile", lambda job: compile_(job, backend=counted))
    limit = sys.getrecursionlimit()
    yield made
    torch._dynamo.reset()
    sys.setrecursionlimit(limit)  # which the compiler raises


@pytest.mark.parametrize("model", WAYS)
def test_a_compiled_map_is_the_same(trained, scene, graphs, model):
    config, checkpoint, _ = trained(WAYS[model], window=[6, 6] if model == "tiles" else [5, 5])
    plain, compiled = (SceneInferencer(config, checkpoint, "cpu", 20, compile=way) for way in (False, True))
    assert compiled.way == f"{plain.way}, compiled"
    tried = len(graphs)  # what shows that there is a compiler
    with plain.open_scene(scene[0]) as rows, compiled.open_scene(scene[0]) as same:
        expected, found = ([*each.predict_rows(of)] for each, of in ((plain, rows), (compiled, same)))
    for one, other in zip(expected, found, strict=True):
        valid = one.valid
        assert one.scores[:, valid].std() > 1e-3
        np.testing.assert_allclose(other.scores[:, valid], one.scores[:, valid], atol=1e-5)
    # One for all symmetries and all lengths of a batch; mmseg's resizing makes another for another number of tiles.
    assert 1 <= len(graphs) - tried <= (2 if model == "tiles" else 1)


def test_few_windows_are_passed_as_they_are(trained, graphs):
    _, _, network = trained(WAYS["windows"], window=[5, 5])
    x = torch.randn(15, 4, 5, 5)
    with torch.inference_mode():
        expected = network.predict_scores(x)
        compile_passes(network)
        tried = len(graphs)
        torch.testing.assert_close(network.predict_scores(x), expected, rtol=0, atol=0)
    assert len(graphs) == tried


def test_a_process_holds_many_networks(graphs):
    x = torch.randn(16, 4, 5, 5)
    for channels in range(4, 15):  # torch stops at 8 by itself
        network = MODELS.build(pixel_model(dict(CONV, channels=channels), MIDDLE, 2 * channels)).eval()
        compile_passes(network)
        tried = len(graphs)
        with torch.inference_mode():
            network.predict_scores(x)
        assert len(graphs) == tried + 1, channels


def test_what_is_no_network_is_refused(trained):
    with pytest.raises(ConfigError, match=r"^--compile: ClassicalClassifier is no network, there is nothing to comp"):
        compile_passes(trained(CLASSICAL)[2])


def test_a_lack_of_a_compiler_is_told_before_anything_is_read(trained, monkeypatch):
    def lacks(graph, inputs):
        raise FileNotFoundError("no g++")

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda job: compile_(job, backend=lacks))
    config, checkpoint, _ = trained(PIXEL_CONV, window=[5, 5])
    with pytest.raises(ConfigError, match=r"^--compile: torch cannot compile here \([^()]*no g\+\+\); leave --compile"):
        SceneInferencer(config, checkpoint, "cpu", compile=True)


def test_a_network_that_cannot_be_compiled_is_named(trained, scene, monkeypatch):
    def small(graph, inputs):
        if len([*graph.graph.nodes]) > 5:
            raise NotImplementedError("too much")
        return graph

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda job: compile_(job, backend=small))
    config, checkpoint, _ = trained(WAYS["windows"], window=[5, 5])
    inferencer = SceneInferencer(config, checkpoint, "cpu", compile=True)
    with (
        inferencer.open_scene(scene[0]) as rows,
        pytest.raises(ConfigError, match=r"compile PixelClassifier\.forward \("),
    ):
        next(inferencer.predict_rows(rows))
