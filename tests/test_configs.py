"""Every config runs: two iterations and a test through mmengine's Runner, on generated files of its data's format."""

from pathlib import Path

import numpy as np
import pytest
import torch
from families import CONFIGS, FAMILIES, LARGE, ROOT, cases, kind, quick
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from small_runs import fit_components, fit_regions, load_in_process, shrink

from mmhsi.config_files import DATASET, load_config, run_name
from mmhsi.datasets import MixedDataset, SceneDataset, SeededIndex, WindowValueDataset
from mmhsi.engine import BFloat16OptimWrapper, NonFiniteLossHook, build_runner, resolve_from_data, use_amp
from mmhsi.engine.unwrap import unwrap_model
from mmhsi.errors import ConfigError
from mmhsi.models import SensorTilePreprocessor, TilePreprocessor
from mmhsi.models.pruning import prunable_stages
from mmhsi.models.weights import load_weights
from mmhsi.registry import DATASETS, MODELS

CASES = cases()
DATA = sorted(path.stem for path in (ROOT / "_base_/datasets").glob("*.py") if not path.stem.startswith("scene_"))


def save_pretrained(part: dict, path: Path) -> None:
    """A checkpoint such as pretraining leaves."""
    part_of_source = {key: value for key, value in part.items() if key != "init_cfg"}
    if part["init_cfg"].get("source_wavelengths"):  # another sensor's
        part_of_source["in_channels"] = len(part["init_cfg"]["source_wavelengths"])
    model = MODELS.build(part_of_source)
    model.init_weights()
    prefix = part["init_cfg"].get("prefix", "")
    torch.save(dict(state_dict={f"{prefix}{key}": value for key, value in model.state_dict().items()}), path)


def test_there_are_configs():
    assert len(CONFIGS) >= 6
    assert len(DATA) >= 16
    used = {name for _, name in CASES}
    assert all(set(names) <= used for names in FAMILIES.values())


def derivable(model: dict) -> dict[str, object]:
    """Numbers of a model's config that its data decide."""
    parts = {
        name: model.get(name) or {} for name in ("data_preprocessor", "backbone", "decoder", "head", "decode_head")
    }
    names = dict.fromkeys(parts, "num_classes") | dict(data_preprocessor="num_bands", backbone="in_channels")
    names["decoder"] = "in_channels"
    parts["auxiliary_head"], names["auxiliary_head"] = model.get("auxiliary_head") or {}, "num_classes"
    stated = {part: parts[part].get(name) for part, name in names.items()}
    if model["type"] == "TileRegressor":  # features, not classes
        stated.pop("decode_head")
    return {part: value for part, value in {**stated, "model": model.get("num_classes")}.items() if value is not None}


@pytest.mark.parametrize("name", DATA)
def test_data_config_gives_what_a_preprocessor_takes(name, generated_data, monkeypatch):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = Config.fromfile(ROOT / "_base_/datasets" / f"{name}.py")
    fit_regions(cfg)
    loaders = [key for key in ("train_dataloader", "val_dataloader", "test_dataloader") if key in cfg]
    bands = None
    for loader in loaders:
        dataset = DATASETS.build(cfg[loader].dataset)
        statistics = dataset.band_statistics()
        second = len(dataset.second_statistics().mean) if dataset.spec.second_bands else 0
        assert bands in (None, len(statistics.mean))
        bands = len(statistics.mean)
        if isinstance(dataset, SceneDataset | WindowValueDataset):
            preprocessor = MODELS.build(dict(type="ScenePreprocessor", num_bands=bands, second_bands=second))
            if second:
                fitted = dataset.second_statistics()
                preprocessor.second_normaliser.fit(torch.tensor(fitted.mean), torch.tensor(fitted.std))
        elif isinstance(dataset, MixedDataset):
            sensors = {sensor["name"]: sensor["num_bands"] for sensor in dataset.spec.sensors}
            preprocessor = SensorTilePreprocessor(sensors)
        else:
            preprocessor = TilePreprocessor(bands)
        preprocessor.fit(torch.tensor(statistics.mean), torch.tensor(statistics.std))
        batch = preprocessor(
            pseudo_collate([dataset[SeededIndex(index, index)] for index in range(min(2, len(dataset)))]), training=True
        )
        first = dataset.spec.sensors[0]["num_bands"] if dataset.spec.sensors else bands + second
        assert batch["inputs"].shape[1] == first
        assert batch["inputs"].isfinite().all()
        assert batch["inputs"].abs().mean() < 3
    if len(loaders) > 1:
        assert dataset.spec.protocol


@pytest.fixture
def choose(generated_data, monkeypatch):
    """Choose the data of a config on the generated files."""

    def choose(dataset):
        monkeypatch.setenv("MMHSI_DATA", str(generated_data))
        if dataset is not None:
            monkeypatch.setenv(DATASET, dataset)

    return choose


QUICK = quick(CASES)
"""The others, of which the data and another size of the config are run here, take long."""
MARKED = [pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]
LEARNERS = tuple(f"regression/{name}" for name in ("ridge", "pls", "extra-trees"))
CLASSICAL = [case for case in MARKED if case.values[0].startswith(("classical/", *LEARNERS))]
NETWORKS = [case for case in MARKED if case not in CLASSICAL]


def test_every_kind_of_small_config_is_run_quickly():
    small = [case for case in CASES if not LARGE.search(f"{case[0]} {case[1]}")]
    assert {kind(name) for name, _ in QUICK} >= {kind(name) for name, _ in small}
    assert len(QUICK) < len(CONFIGS)


@pytest.mark.parametrize(("name", "dataset"), CLASSICAL, ids=lambda value: value or "")
def test_classical_config_runs(name, dataset, choose, tmp_path):
    """One pass, a checkpoint, a test, and the same figures from the checkpoint."""
    choose(dataset)
    cfg = load_config(ROOT / name)
    assert derivable(cfg.model) == {}
    cfg.work_dir = str(tmp_path)
    learners = cfg.model.backbone.get("members", [cfg.model.backbone])
    for learner in learners:
        short = {name: dict(trees=5) for name in ("ExtraTrees", "ExtraTreesValues", "RandomForest")}
        short |= dict(PLS=dict(components=2), MLP=dict(steps=5, networks=1))
        learner.update(short.get(learner.type, {}))
    fit_regions(cfg)
    runner = build_runner(cfg)
    runner.train()
    metrics = runner.test()
    assert 0 <= metrics["OA"] <= 100 if "OA" in metrics else metrics["R2"] <= 1
    loaded = MODELS.build(cfg.model)
    load_weights(loaded, tmp_path / "epoch_1.pth")
    trained, x = unwrap_model(runner), torch.randn(20, loaded.data_preprocessor.num_bands, 1, 1)
    assert torch.equal(loaded.predict_scores(x), trained.predict_scores(x))


@pytest.mark.parametrize(("name", "dataset"), NETWORKS, ids=lambda value: value or "")
def test_config_runs(name, dataset, choose, tmp_path):
    choose(dataset)
    cfg = load_config(ROOT / name)
    if dataset is not None:
        assert run_name(cfg) == f"{Path(name).stem}_{dataset}"
    assert derivable(cfg.model) == {}  # they are written once, with the data
    batch = cfg.train_dataloader.batch_size * cfg.optim_wrapper.get("accumulative_counts", 1)
    assert cfg.auto_scale_lr.base_batch_size == batch  # for which its learning rate is meant
    cfg.work_dir = str(tmp_path)
    cfg.train_cfg = dict(by_epoch=False, max_iters=2)
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint = dict(type="CheckpointHook", by_epoch=False, interval=2)
    cfg.train_dataloader.batch_size = 2
    if "tta" in cfg.model:
        cfg.model.tta = False  # eight times the cost
    pruning = cfg.default_hooks.get("pruning")
    if pruning:  # which counts epochs: a short one, pruned from its start
        cfg.train_cfg = dict(by_epoch=True, max_epochs=1)
        cfg.default_hooks.checkpoint = dict(
            type="CheckpointHook", by_epoch=True, interval=1, filename_tmpl="iter_2.pth"
        )
        cfg.train_dataloader.batch_size = 12
        if cfg.train_dataloader.dataset.type == "TileDataset":
            cfg.train_dataloader.batch_size = 3
            cfg.train_dataloader.dataset.turns = (0,)
        pruning.update(interval=1, begin=0)
    if "maps" in cfg.default_hooks:
        cfg.default_hooks.maps.num_samples = 1  # a picture takes as long as a test
    shrink(cfg)
    fit_regions(cfg)
    load_in_process(cfg)
    fit_components(cfg, tmp_path)
    parts = (cfg.model, cfg.model.backbone, cfg.model.get("neck") or {})
    pretrained = [part for part in parts if part.get("init_cfg")]
    if pretrained:
        resolve_from_data(cfg)
    for number, part in enumerate(pretrained):
        part.init_cfg.checkpoint = str(tmp_path / f"pretrained{number}.pth")
        save_pretrained(part, tmp_path / f"pretrained{number}.pth")
    cfg.pop("runner_type", None)  # FSDP, which needs several processes
    runner = build_runner(cfg)
    before = {key: value.clone() for key, value in runner.model.named_parameters()}
    runner.train()
    changed = [key for key, value in runner.model.named_parameters() if not torch.equal(value, before[key])]
    assert changed
    fitted = cfg.optim_wrapper.get("constructor") == "NoOptimWrapperConstructor"  # in closed form: nothing is optimised
    # What DDP would wait for in vain: parameters that no loss reaches, of which the optimiser knows nothing yet.
    known = runner.optim_wrapper.optimizer.state
    unused = [name for name, value in runner.model.named_parameters() if value.requires_grad and value not in known]
    assert cfg.get("find_unused_parameters", False) or not unused or fitted
    if pruning:
        stages = prunable_stages(runner.model).values()
        assert sum(len(stage.pruned_indices) for stage in stages) == pruning.num_layers
    assert all(value.isfinite().all() for value in runner.model.state_dict().values())
    assert (tmp_path / "iter_2.pth").is_file()
    assert any(isinstance(hook, NonFiniteLossHook) for hook in runner.hooks)
    if cfg.optim_wrapper.type == "ShardedOptimWrapper":  # FSDP has a precision of its own
        with pytest.raises(ConfigError, match="cannot be replaced"):
            use_amp(cfg, "bf16")
    elif not fitted:
        use_amp(cfg, "bf16")
        assert isinstance(runner.build_optim_wrapper(cfg.optim_wrapper), BFloat16OptimWrapper)
    if cfg.get("test_dataloader"):
        metrics = runner.test()
        assert np.isfinite(list(metrics.values())).all()
        assert 0 <= metrics.get("OA", 0) <= 100
        drawn = list(tmp_path.glob("*/vis_data/vis_image/test_*.png"))
        assert len(drawn) == (cfg.default_hooks.maps.num_samples if "maps" in cfg.default_hooks else 0)


WHU_OHS = [case for case in CASES if any("whu-ohs" in (word or "") for word in case)]


@pytest.mark.parametrize(("name", "dataset"), WHU_OHS, ids=lambda value: value or "")
def test_epoch_of_whu_ohs_is_every_pixel_of_every_training_tile_once(name, dataset, choose, tmp_path):
    choose(dataset)
    cfg = load_config(ROOT / name)
    fit_components(cfg, tmp_path)
    trained = DATASETS.build(cfg.train_dataloader.dataset)
    tiles, side = 2, 128  # of the generated files
    whole = "512" in f"{name} {dataset}" or "-hr_" in name or "mae-rgb" in name  # windows of 128
    windows = tiles if whole else tiles * (side // 64) ** 2
    assert len(trained) == windows
    assert not any(
        step["type"] == "RandomReadWindow" for step in load_config(ROOT / name).train_dataloader.dataset.pipeline
    )
    tile_pixels = sum(
        np.prod(entry.get("window", (0, 0, side, side))[2:]) for entry in map(trained.get_data_info, range(windows))
    )
    assert tile_pixels == tiles * side**2


FULL_SIZE = [
    case
    for case in CASES
    if "-frozen_hsi-vit-base-p8" in case[0]
    or "-frozen_spatial-spectral-vit-base-p8" in case[0]
    or "deeplabv3plus_r50" in case[0]
    or "imae-ft_imae-vit-paper" in case[0]
]


@pytest.mark.parametrize(("name", "dataset"), FULL_SIZE, ids=lambda value: value or "")
def test_full_size_models_fit_together(name, dataset, choose, tmp_path):
    choose(dataset)
    cfg = load_config(ROOT / name)
    cfg.model.backbone.init_cfg = None
    fit_components(cfg, tmp_path)
    classes = resolve_from_data(cfg).spec.num_classes
    size = cfg.train_dataloader.dataset.window if cfg.model.type == "PixelClassifier" else 64
    # Shapes alone, where the model can be built without values.
    with torch.device("cpu" if "segmenter" in name else "meta"):
        model = MODELS.build(cfg.model)
        logits = model(torch.empty(2, cfg.model.backbone.in_channels, size, size), mode="tensor")
    assert logits.shape[:2] == (2, classes)
