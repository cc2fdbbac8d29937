"""The model zoo names every config, and its figures are those of the models and of the results' pages."""

import modelindex
import pytest
import torch
import yaml
from doc_blocks import ROOT
from mmengine.config import Config
from torch.utils.flop_counter import FlopCounterMode

from mmhsi.models.complexity import count_stored
from mmhsi.registry import MODELS

METAFILES = [ROOT / path for path in yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]]
MODELS_OF = {path.parent: yaml.safe_load(path.read_text())["Models"] for path in METAFILES}
CHEAP = [min(models, key=lambda model: model["Metadata"]["Parameters"]) for models in MODELS_OF.values()]


def test_the_index_is_one_that_openmmlab_tools_read():
    index = modelindex.load(str(ROOT / "model-index.yml"))
    index.check(silent=True)
    assert not index.check_errors
    assert len(index.models) == sum(map(len, MODELS_OF.values()))
    assert len(index.collections) == len(METAFILES)


def test_every_config_stands_in_one_metafile():
    named = [model["Config"] for models in MODELS_OF.values() for model in models]
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "configs").glob("*/*.py") if "_base_" not in path.parts}
    assert sorted(named) == sorted(files)


@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("model", CHEAP, ids=lambda model: model["Name"])
def test_parameters_are_those_of_the_model(model):
    cfg = Config.fromfile(ROOT / model["Config"])
    cfg.model.backbone.pop("init_cfg", None)
    built = MODELS.build(cfg.model).eval()
    assert count_stored(built) == model["Metadata"]["Parameters"]
    if cfg.model.type in ("PixelClassifier", "EncoderDecoder") and model["Metadata"]["FLOPs"] < 1e9:
        shape = [int(side) for side in model["Metadata"]["Input"].split(" x ")]
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            built(torch.zeros(1, *shape), mode="tensor")
        assert counter.get_total_flops() == model["Metadata"]["FLOPs"]


def test_figures_stand_in_the_results():
    """Nothing is claimed here that the pages of results, or the papers' tables, do not say."""
    results = (ROOT / "docs/results.md").read_text()
    results += (ROOT / "configs/lo_sst/README.md").read_text()  # HSIViT and the dual encoder are measured beside SST
    tables = "".join(path.read_text() for path in (ROOT / "benchmarks/tables").glob("*.py"))
    for folder, models in MODELS_OF.items():
        text = results + (folder / "README.md").read_text()
        for name, result in ((model["Name"], result) for model in models for result in model.get("Results", [])):
            for metric, value in result["Metrics"].items():
                spread = result.get("Spread", {}).get(metric)
                shown = [f"{value:.{n}f}" + ("" if spread is None else f" ± {spread:.{n}f}") for n in (1, 2)]
                assert any(figure in text for figure in shown), f"{name}: {metric} {shown}"
                assert result["Runs"] >= (1 if spread is None else 2), name
            for value in result.get("Paper", {}).values():
                assert f"{value:.2f}" in text + tables, f"{name}: {value}"


def test_the_page_is_what_the_tool_prints(run_tool, capsys):
    assert run_tool("analysis/model_zoo") == 0
    assert capsys.readouterr().out == (ROOT / "docs/model_zoo.md").read_text()
