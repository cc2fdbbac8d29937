"""Files of results and metafiles that are not what they should be, beside those of the project."""

import json

import pytest
import yaml
from experiments.index_files import read_index, read_metafile, read_results
from scripts import REPOSITORY

from mmhsi.errors import DataError

RESULT = {"config": "configs/a.py", "dataset": "b", "metrics": {"OA": 1.5}, "spread": {"OA": 0.1}, "runs": 3}
COUNTED = {"Training Data": "b", "Input": "3 x 1 x 1", "Parameters": 1, "FLOPs": 2}
MODEL = {"Name": "a", "Metadata": COUNTED}
COLLECTION = {"Name": "A", "Paper": {"Title": "t"}, "README": "configs/a/README.md"}


def test_those_of_the_project_are_read():
    assert read_results(REPOSITORY / "benchmarks/results.json")
    for name in read_index(REPOSITORY / "model-index.yml"):
        assert read_metafile(REPOSITORY / name)["Models"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "not a file of results"),
        ("[" * 100_000, "not a file of results"),
        ({}, "expected a list"),
        ([1], "result 1: is a int"),
        ([{**RESULT, "metric": 1}], "result 1: has 'metric'"),
        ([RESULT, {**RESULT, "config": None, "dataset": "c"}], "result 2: config and dataset"),
        ([{**RESULT, "metrics": {"OA": "91"}}], "metrics has to be numbers"),
        ([{**RESULT, "metrics": {"OA": float("nan")}}], "metrics has to be numbers"),
        ([{**RESULT, "spread": {"AA": 1.0}}], "a spread of what it has no metrics of"),
        ([{**RESULT, "metrics": {"OA": 300}}], "metrics: OA is 300, expected per cent"),
        ([{**RESULT, "paper": {"OA": -1}}], "paper: OA is -1, expected per cent"),
        ([{**RESULT, "runs": 0}], "runs is 0"),
        ([{name: value for name, value in RESULT.items() if name != "runs"}], "runs is None, expected the number"),
        ([RESULT, RESULT], r"two results of configs/a\.py on b"),
    ],
)
def test_results_that_are_none(tmp_path, content, said):
    path = tmp_path / "results.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DataError, match=rf"results\.json: .*{said}") as caught:
        read_results(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "not a metafile"),
        ("[" * 10_000, "not a metafile"),
        ("!!python/object/apply:os.system ['touch x']", "not a metafile"),
        ([], "holds a list"),
        ({"Collections": [COLLECTION, COLLECTION]}, "Collections has to be a list of one"),
        ({"Collections": [{"Name": "A"}]}, "needs a Paper"),
        ({"Collections": [COLLECTION], "Models": {}}, "Models has to be a list"),
        ({"Collections": [COLLECTION], "Models": [{"Name": "a"}]}, "model 1: a has no Metadata"),
        (
            {"Collections": [COLLECTION], "Models": [{**MODEL, "Metadata": {**COUNTED, "FLOPs": "2"}}]},
            "FLOPs",
        ),
        ({"Collections": [COLLECTION], "Models": [{**MODEL, "Results": [{"Metrics": [1]}]}]}, "numbers by their names"),
        ({"Collections": [COLLECTION], "Models": [{**MODEL, "Results": [{"Metrics": {"OA": 1}}]}]}, "Runs is None"),
    ],
)
def test_metafiles_that_are_none(tmp_path, content, said):
    path = tmp_path / "metafile.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(DataError, match=rf"metafile\.yml: .*{said}") as caught:
        read_metafile(path)
    assert len(str(caught.value).splitlines()) == 1
