"""Pictures while a small MAE trains: what they show, and that training does not notice."""

import itertools
import random
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import IterBasedTrainLoop, Runner
from PIL import Image
from processes import on_two_ranks
from small_models import mae
from torch.utils.data import DataLoader

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.datasets.transforms import RandomDihedral
from mmhsi.engine.hooks import reconstruction_hook
from mmhsi.engine.hooks.reconstruction_hook import ReconstructionHook, band_scale
from mmhsi.errors import ConfigError
from mmhsi.models import ScenePreprocessor, TilePreprocessor
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec

BANDS = 56


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_scene(simulate_scene(24, 26, 64), folder / "demo")
    return folder


def random_mae(masking="RandomMasking", preprocessor="ScenePreprocessor", **kept):
    """Config of a small model that draws random numbers in every step."""
    model = mae(BANDS, 9, dict(type=preprocessor, augments=[dict(type="BatchNoise")], **kept), drop_rate=0.2)
    return dict(model, masking=dict(type=masking, ratio=0.5))


def train(data, work_dir, train_cfg, **hooks):
    """Two steps an epoch on random windows; unseeded, so that a changed generator or mode shows in the weights."""
    pipeline = [
        dict(type="LoadCube"), dict(type="RandomWindow", size=9), dict(type="RandomDihedral"), dict(type="PackTile")
    ]  # fmt: skip
    tiles = dict(data_root=str(data), scene="demo", with_labels=False, window=12, pipeline=pipeline)
    cfg = dict(
        default_scope="mmhsi",
        model=random_mae(preprocessor="TilePreprocessor"),
        work_dir=str(work_dir),
        train_cfg=train_cfg,
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=True),
            dataset=dict(type="TileDataset", **tiles),
        ),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=1e-3)),
        custom_hooks=[dict(type="FitPreprocessorHook")],
        default_hooks=dict(checkpoint=None, **hooks),
        randomness=dict(seed=3),
        log_level="ERROR",
        experiment_name=f"{work_dir} {train_cfg}",
    )
    runner = Runner.from_cfg(Config(cfg))
    runner.train()
    return runner


@pytest.mark.parametrize(
    ("train_cfg", "hook", "moments"),
    [
        (dict(by_epoch=True, max_epochs=3), dict(interval=2, num_samples=2), ("epoch_2", "epoch_3")),
        (dict(by_epoch=False, max_iters=3), dict(interval=2, num_samples=1), ("iter_2", "iter_3")),
    ],
)
def test_training_does_not_notice(data, tmp_path, train_cfg, hook, moments):
    with_hook = train(data, tmp_path / "with", train_cfg, reconstruction=dict(type="ReconstructionHook", **hook))
    without = train(data, tmp_path / "without", train_cfg)
    plain = without.model.state_dict()
    assert all(torch.equal(value, plain[key]) for key, value in with_hook.model.state_dict().items())
    folder = tmp_path / "with/reconstructions"
    backend = next((tmp_path / "with").glob("*/vis_data/vis_image"))
    shown = list(itertools.product((2,) if hook["num_samples"] == 1 else (1, 3), moments))  # of 4 tiles
    assert len(list(folder.iterdir())) == len(list(backend.iterdir())) == len(shown)
    for index, moment in shown:
        step = moment.split("_")[1]
        paths = folder / f"patches_{index}_{moment}.png", backend / f"reconstruction_patches_{index}_{step}.png"
        assert np.array_equal(*(np.asarray(Image.open(path)) for path in paths))


def a_run(dataset, model, work_dir):
    """What of mmengine's runner a hook sees."""
    return SimpleNamespace(
        model=model,
        train_loop=None,
        train_dataloader=DataLoader(dataset, 4, collate_fn=pseudo_collate),
        work_dir=str(work_dir),
        visualizer=Mock(),
        epoch=0,
        max_epochs=1,
        iter=0,
        max_iters=1,
    )


class Tiles(torch.utils.data.Dataset):
    """Tiles of a known gradient, in a pipeline that seeds the generators as the tile datasets do."""

    metainfo = InputSpec(
        classes=(),
        bands=tuple(range(BANDS)),
        file_bands=BANDS,
        num_bands=BANDS,
        model_wavelengths=tuple(400.0 + 10 * band for band in range(BANDS)),
    ).to_meta()

    def __len__(self):
        return 5

    def __getitem__(self, index):
        random.seed(index.seed)
        np.random.seed(index.seed)  # noqa: NPY002
        torch.manual_seed(index.seed)
        image = np.arange(9 * 12 * BANDS, dtype=np.float32).reshape(9, 12, BANDS) + 10000 * int(index)
        image = RandomDihedral()(dict(img=image, valid=np.ones((9, 12), dtype=bool)))["img"][:9, :9]
        return dict(
            inputs=torch.from_numpy(image.copy()).permute(2, 0, 1), valid=torch.arange(81).view(9, 9) > int(index)
        )


def tile_run(tmp_path, masking="SpectralMasking"):
    kept = dict(mean=[5000.0] * BANDS, std=[300.0 + band for band in range(BANDS)])
    model = MODELS.build(random_mae(masking, "TilePreprocessor", **kept))
    return a_run(Tiles(), model, tmp_path)


def test_generators_and_modes_are_given_back(tmp_path):
    runner = tile_run(tmp_path)
    runner.model.train()
    runner.model.decoder.decoder_blocks[0].eval()  # a part that is kept in evaluation
    modes = [module.training for module in runner.model.modules()]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    weights = {key: value.clone() for key, value in runner.model.state_dict().items()}
    ReconstructionHook().after_train_epoch(runner)
    assert [module.training for module in runner.model.modules()] == modes
    assert random.getstate() == states[0]
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), states[1], strict=True))  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert all(torch.equal(value, weights[key]) for key, value in runner.model.state_dict().items())
    assert all(parameter.grad is None for parameter in runner.model.parameters())
    assert len(list((tmp_path / "reconstructions").iterdir())) == 4
    names = [call.args[0] for call in runner.visualizer.add_image.call_args_list]
    assert names == [f"reconstruction_bands_{index}" for index in (0, 1, 3, 4)]


def test_the_state_is_given_back_after_an_error(tmp_path, monkeypatch):
    runner = tile_run(tmp_path)
    runner.model.train()
    state = torch.get_rng_state()
    monkeypatch.setattr(runner.model, "val_step", lambda data: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ReconstructionHook().after_train_epoch(runner)
    assert runner.model.training
    assert torch.equal(torch.get_rng_state(), state)


def drawn(monkeypatch):
    """What the hook asks to be drawn, instead of pictures."""
    calls = []

    def record(*args):
        calls.append(args)
        return np.zeros((2, 2, 3), dtype=np.uint8)

    monkeypatch.setattr(reconstruction_hook, "draw_reconstruction", record)
    return calls


def test_values_are_in_the_datas_unit(data, tmp_path, monkeypatch):
    calls = drawn(monkeypatch)
    dataset = SceneDataset("demo", str(data), window=9, subset="all", stride=2)
    statistics = dataset.band_statistics()
    model = MODELS.build(random_mae(mean=statistics.mean.tolist(), std=statistics.std.tolist()))
    ReconstructionHook(num_samples=3, num_pixels=2).after_train_epoch(a_run(dataset, model, tmp_path))
    cube = np.pad(dataset.cube.data, ((4, 4), (4, 4), (0, 0)), mode="reflect").astype(np.float64)
    for index, (original, prediction, hidden, _, wavelengths, _, pixels, title) in zip(
        (26, 78, 130), calls, strict=True
    ):
        row, column = divmod(dataset.pixels[index], dataset.cube.data.shape[1])
        np.testing.assert_allclose(original, cube[row : row + 9, column : column + 9], rtol=1e-4, atol=1e-3)
        # An untrained decoder gives about 0: the bands' means.
        assert np.abs(prediction - statistics.mean).mean() < statistics.std.mean()
        assert hidden.reshape(3, 3, 3, 3, BANDS).all((1, 3, 4)).sum() == 5  # round(0.5 · 9) patches
        assert tuple(wavelengths) == dataset.spec.model_wavelengths
        assert (pixels, title) == (2, f"patches, sample {index}, epoch 1")


def test_the_same_samples_and_masks_every_time(tmp_path, monkeypatch):
    calls = drawn(monkeypatch)
    runner = tile_run(tmp_path, "RandomMasking")
    for _ in range(2):
        ReconstructionHook(num_samples=9).after_train_epoch(runner)
        torch.rand(3)
    assert len(calls) == 10  # all five samples of a small set, twice
    for first, second in zip(calls[:5], calls[5:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first[:4], second[:4], strict=True))
    assert [int((~call[3]).sum()) for call in calls[:5]] == [1, 2, 3, 4, 5]  # pixels without data are passed on


def test_only_due_epochs_and_iterations(tmp_path, monkeypatch):
    drawn(monkeypatch)
    hook, moments = ReconstructionHook(interval=3), []
    monkeypatch.setattr(hook, "draw", lambda runner, moment, step: moments.append((moment, step)))
    runner = tile_run(tmp_path)
    runner.max_epochs = runner.max_iters = 7
    for loop, names in ((None, "epoch"), (object.__new__(IterBasedTrainLoop), "iter")):
        runner.train_loop, moments[:] = loop, []
        for done in range(7):
            runner.epoch = runner.iter = done
            hook.after_train_iter(runner, done)
            hook.after_train_epoch(runner)
        assert moments == [(f"{names}_{done}", done) for done in (3, 6, 7)]


def test_a_second_source_has_its_own_scale():
    preprocessor = ScenePreprocessor(2, mean=[1.0, 2.0], std=[3.0, 4.0], second_bands=1)
    preprocessor.second_normaliser.fit(torch.tensor([5.0]), torch.tensor([6.0]))
    mean, std = (part.flatten().tolist() for part in band_scale(preprocessor, 3))
    assert (mean, std) == ([1.0, 2.0, 5.0], [3.0, 4.0, 6.0])
    assert len(band_scale(preprocessor, 2)[0]) == 2
    with pytest.raises(ConfigError, match="reconstructs 4 bands, its preprocessor knows the scale of 3"):
        band_scale(preprocessor, 4)


def one_rank(rank, folder):
    """The hook on one of two processes, between two steps of training."""
    torch.manual_seed(0)
    runner = tile_run(folder)
    runner.model = MMDistributedDataParallel(runner.model, device_ids=None, broadcast_buffers=False)
    optimiser = torch.optim.SGD(runner.model.parameters(), 0.1)
    for _ in range(2):
        torch.manual_seed(1 + rank)
        inputs = torch.randn(2, BANDS, 9, 9)
        runner.model(inputs, mode="loss")["loss"].backward()
        optimiser.step()
        optimiser.zero_grad()
        ReconstructionHook(num_samples=1).after_train_epoch(runner)
    return runner.visualizer.add_image.call_count, [p.detach().sum().item() for p in runner.model.parameters()]


def test_one_of_several_processes_draws(tmp_path):
    (first, weights), (second, others) = on_two_ranks(tmp_path / "store", one_rank, tmp_path)
    assert (first, second) == (2, 0)
    assert weights == others
    assert [path.name for path in (tmp_path / "reconstructions").iterdir()] == ["bands_2_epoch_1.png"]


def test_models_that_it_cannot_draw(tmp_path):
    runner = tile_run(tmp_path)
    ReconstructionHook().before_train(runner)
    runner.model.data_preprocessor = torch.nn.Identity()
    with pytest.raises(ConfigError, match="Identity keeps no mean and std"):
        ReconstructionHook().before_train(runner)
    runner.model = TilePreprocessor(3)
    with pytest.raises(ConfigError, match="TilePreprocessor reconstructs nothing"):
        ReconstructionHook().before_train(runner)


@pytest.mark.parametrize("wrong", [dict(interval=0), dict(num_samples=0), dict(num_pixels=0), dict(num_pixels=8)])
def test_arguments(wrong):
    with pytest.raises(ConfigError, match="ReconstructionHook: interval="):
        ReconstructionHook(**wrong)
