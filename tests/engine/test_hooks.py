"""Hooks and launch options."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmhsi.datasets.statistics import BandStatistics
from mmhsi.engine import FitPreprocessorHook, SeedIterationHook, set_seed
from mmhsi.engine.hooks import seed_iteration
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS


class Data:
    """A dataset that knows its statistics."""

    def __init__(self):
        self.values = np.random.default_rng(0).normal(50, 7, (100, 3))

    def band_statistics(self):
        statistics = BandStatistics(3)
        statistics.update(self.values)
        return statistics


def runner(dataset, **preprocessor):
    model = torch.nn.Module()
    model.data_preprocessor = MODELS.build(dict(dict(type="TilePreprocessor", num_bands=3), **preprocessor))
    return SimpleNamespace(
        model=model,
        train_dataloader=SimpleNamespace(dataset=dataset),
        logger=MMLogger.get_instance("t"),
        seed=7,
        iter=0,
    )


def test_statistics_are_fitted_to_the_training_data_once():
    data = Data()
    run = runner(data)
    FitPreprocessorHook().before_train(run)
    assert run.model.data_preprocessor.mean.numpy() == pytest.approx(data.values.mean(0), rel=1e-5)
    assert run.model.data_preprocessor.std.numpy() == pytest.approx(data.values.std(0), rel=1e-5)
    data.values = data.values * 100
    FitPreprocessorHook().before_train(run)
    assert run.model.data_preprocessor.mean.max() < 60


def test_statistics_of_the_config_stay():
    run = runner(Data(), mean=[1.0] * 3, std=[2.0] * 3)
    FitPreprocessorHook().before_train(run)
    assert run.model.data_preprocessor.mean.tolist() == [1.0] * 3


def test_band_counts_must_agree():
    with pytest.raises(ConfigError, match=r"gives 3 bands, the model expects model\.data_preprocessor\.num_bands=4"):
        FitPreprocessorHook().before_train(runner(Data(), num_bands=4))


def test_a_dataset_without_statistics_is_named():
    with pytest.raises(ConfigError, match="SimpleNamespace has no band_statistics"):
        FitPreprocessorHook().before_train(runner(SimpleNamespace()))


def test_every_iteration_has_its_own_seed():
    def draw(iteration, seed=7):
        run = runner(Data())
        run.iter, run.seed = iteration, seed
        torch.rand(iteration + 3)  # whatever was drawn before must not matter
        SeedIterationHook().before_train_iter(run, 0)
        return torch.rand(4).tolist()

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)
    assert draw(5) != draw(5, seed=8)


def test_all_ranks_are_told_the_same_and_have_dropout_of_their_own(monkeypatch):
    found = []
    for rank in (0, 1):
        run = runner(Data())
        monkeypatch.setattr(seed_iteration, "get_rank", lambda rank=rank: rank)
        SeedIterationHook().before_train_iter(run, 0)
        found.append((run.model.data_preprocessor.step_seed, torch.rand(1).item()))
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]
    assert found[0][1] == torch.rand(1, generator=torch.Generator().manual_seed(found[0][0])).item()


def test_seed_option_reaches_the_splits_of_the_data_and_nothing_else():
    other = dict(model=dict(split=dict(parts=2)), split=dict(path="a"), some_hook=[dict(split=dict(every=3))])
    cfg = Config(
        dict(
            train_dataloader=dict(dataset=dict(dataset=dict(split=dict(type="FewShotSplit", seed=0)), times=2)),
            test_dataloader=dict(dataset=dict(datasets=[dict(split=dict(type="FileSplit", path="a")), dict()])),
            val_dataloader=None,
            **other,
        )
    )
    set_seed(cfg, 5)
    assert {key: cfg.to_dict()[key] for key in other} == other
    assert cfg.randomness.seed == 5
    assert cfg.train_dataloader.dataset.dataset.split.seed == 5
    assert cfg.test_dataloader.dataset.datasets[0].split.seed == 5
