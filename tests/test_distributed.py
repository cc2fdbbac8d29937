"""Two processes with half the batch each equal one with the whole batch, in training and in evaluation."""

import json

import distributed_cases as cases
import distributed_equality as equality
import distributed_worker as worker
import pytest
import torch
from mmengine.dataset import pseudo_collate
from processes import join, launch_two

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.models.masking import BandMasking
from mmhsi.models.masking.base import hide_highest
from mmhsi.models.pruning import prunable_stages, prune
from mmhsi.registry import DATASETS, MASKING, MODELS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("scope"),
    pytest.mark.skipif(torch.cuda.is_available(), reason="compares processes without a GPU"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One process's results, and those of each of two."""
    folder = tmp_path_factory.mktemp("runs")
    write_scene(simulate_scene(24, 24, 64), folder / "demo")
    both = launch_two(worker.run, folder / "two", folder, "pytorch")
    one = worker.run(folder / "one", folder, "none")
    assert [join(rank) for rank in both] == [0, 0]
    return folder, one, [torch.load(folder / f"two/rank_{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("name", cases.CASES)
def test_two_processes_train_as_one(name, runs):
    _, one, two = runs
    result = equality.compare(one["trained"][name], [rank["trained"][name] for rank in two])
    tolerance = cases.CASES[name].tolerance
    assert result["identical"]
    assert result["steps"] >= 6
    losses = one["trained"][name]["losses"]
    assert losses.max() - losses.min() > 1e-3  # it is a training
    if tolerance is None:
        assert result["weights"] > 1e-5  # not exact, or the reason no longer holds
    else:
        assert result["losses"] < tolerance
        assert result["weights"] < tolerance


def test_layers_are_pruned_alike(runs):
    _, one, two = runs
    buffers = [result["trained"]["LO-MSST, 2 of 4 layers pruned"]["buffers"] for result in (one, *two)]
    pruned = [{key: value for key, value in some.items() if "pruned" in key} for some in buffers]
    assert sum(int(value.sum()) for value in pruned[0].values()) == 2
    assert all(torch.equal(value, some[key]) for key, value in pruned[0].items() for some in pruned[1:])


def test_evaluation_of_uneven_batches_gives_the_same_figures(runs):
    folder, one, two = runs
    assert one["evaluated"]["sizes"]["pixels"] % 2 == 1
    for rank in two:
        assert rank["evaluated"]["sizes"] == one["evaluated"]["sizes"]
        for name, metrics in one["evaluated"]["metrics"].items():
            rounding = 1e-6 if "mae" in name else 0  # figures of floats, from batches put together otherwise
            assert rank["evaluated"]["metrics"][name] == pytest.approx(metrics, rel=rounding, abs=0, nan_ok=True)
    for name in ("tiles", "pixels"):
        reports = [json.loads((folder / part / f"{name}.json").read_text()) for part in ("one", "two")]
        assert reports[0] == reports[1]
        assert sum(map(sum, reports[0]["confusion_matrix"])) > 100
    assert two[0]["evaluated"]["written"] == one["evaluated"]["written"] == ["tiles.json", "pixels.json"]
    assert two[1]["evaluated"]["written"] == []


@pytest.mark.parametrize("name", cases.CASES)
def test_every_trained_parameter_has_a_gradient(name):
    case = cases.CASES[name]
    torch.manual_seed(0)
    model = MODELS.build(case.model)
    model.init_weights()
    bands = len(model.data_preprocessor.mean)  # of all sensors
    model.data_preprocessor.fit(torch.full((bands,), 50.0), torch.full((bands,), 5.0))
    expected = set()
    if "pruned" in name:  # the one exception: pruned layers rest
        prune(model, 2)
        expected = {
            id(parameter)
            for stage in prunable_stages(model).values()
            for index in stage.pruned_indices
            for parameter in stage[index].parameters()
        }
        assert expected
    dataset = DATASETS.build(dict(type="EqualitySamples", kind=case.data))
    data = model.data_preprocessor(pseudo_collate([dataset[index] for index in range(4)]), training=True)
    model.parse_losses(model(**data, mode="loss"))[0].backward()
    assert {id(value) for value in model.parameters() if value.requires_grad and value.grad is None} == expected


@MASKING.register_module()
class BrightestBands(BandMasking):
    """Hides what the image decides, so that a batch's parts are hidden as the batch is."""

    def __call__(self, rng, images):
        return hide_highest(images.mean((2, 3)), self.count(images.shape[1]))


def test_accumulating_two_batches_equals_one_of_both(tmp_path):
    model = dict(cases.CASES["MAE, hidden patches"].model, masking=dict(type="BrightestBands", ratio=0.5))
    case = cases.Case(dict(model, data_preprocessor=cases.tiles(augments=[])), "full")
    whole = equality.train(equality.config(case, tmp_path / "whole", "none"))
    parts = equality.train(equality.config(case, tmp_path / "parts", "none", equality.BATCH // 2, accumulate=2))
    assert len(parts["losses"]) == 2 * len(whole["losses"])
    assert torch.allclose(parts["losses"].view(-1, 2).mean(1), whole["losses"], atol=1e-6)
    assert equality.greatest_difference(whole["weights"], parts["weights"]) < 1e-6
