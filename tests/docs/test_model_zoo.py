"""The model zoo names every config, is up to date with the results, and its numbers are those of the models."""

import modelindex
import pytest
import yaml
from doc_blocks import ROOT
from experiments.record import known
from scripts import load_script

ZOO = load_script("benchmarks/model_zoo.py")
METAFILES = ZOO.metafiles()
MODELS_OF = {path.parent: yaml.safe_load(path.read_text())["Models"] for path in METAFILES}
# Not those of the halves of a scene, which is smaller here.
CHEAP = [
    min(kept, key=lambda model: model["Metadata"]["Parameters"])
    for models in MODELS_OF.values()
    if (kept := [model for model in models if "halves" not in model["Name"]])
]


def test_the_index_is_one_that_openmmlab_tools_read():
    index = modelindex.load(str(ROOT / "model-index.yml"))
    index.check(silent=True)
    assert not index.check_errors
    assert len(index.models) == sum(map(len, MODELS_OF.values()))
    assert len(index.collections) == len(METAFILES)


def test_metafiles_are_what_configs_and_results_give():
    results = known()
    for path in METAFILES:
        assert ZOO.metafile(path, results) == path.read_text(), "run benchmarks/model_zoo.py --write"


def test_every_config_and_every_result_stands_in_one_metafile():
    named = {model["Config"] for models in MODELS_OF.values() for model in models}
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "configs").glob("*/*.py") if "_base_" not in path.parts}
    assert named == files
    shown = [result for models in MODELS_OF.values() for model in models for result in model.get("Results", [])]
    assert sum(bool(result["Metrics"] or result.get("Paper")) for result in shown) == len(known())


@pytest.mark.parametrize("model", CHEAP, ids=lambda model: model["Name"])
def test_numbers_are_those_of_the_model(model, place):
    stem = model["Config"].rpartition("/")[2].removesuffix(".py")
    measured = ZOO.measure(model["Config"], model["Name"].removeprefix(stem).removeprefix("_") or None)
    expected = model["Metadata"]
    if measured["Input"] == expected["Input"]:
        assert measured == expected
    else:  # some generated tiles are smaller than the published ones, and so is a learned table of positions
        assert measured["Parameters"] <= expected["Parameters"]


def test_figures_stand_in_the_results():
    """Nothing is claimed here that the pages of results, or the papers' tables, do not say."""
    results = "".join(page.read_text() for page in sorted((ROOT / "docs").glob("results*.md")))
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
                shown = f"{value:,}" if isinstance(value, int) else f"{value:.2f}"  # parameters, and per cent
                assert shown in text + tables, f"{name}: {value}"


def test_the_page_is_what_the_tool_prints(run_tool, capsys):
    assert run_tool("benchmarks/model_zoo") == 0
    assert capsys.readouterr().out == (ROOT / "docs/model_zoo.md").read_text()
