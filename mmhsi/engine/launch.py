"""From command-line options to a config that mmengine's Runner can run."""

from __future__ import annotations

import math
import os
import subprocess
from typing import TYPE_CHECKING

import torch
import torch.distributed

from mmhsi.config_files import wrapped_datasets
from mmhsi.errors import ConfigError
from mmhsi.launchers import TOLD
from mmhsi.models.protocols import SizedBackbone
from mmhsi.progress import begin
from mmhsi.registry import RUNNERS
from mmhsi.spec import InputSpec

from .building import building
from .config_check import check_complete, check_config
from .fitted_transforms import with_fitted_channels
from .last_batch import leave_out_single
from .numbers import resolve_from_data
from .runners import ReadsCheckpointsAsData
from .unwrap import unwrap_model
from .windows import compare_windows

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import FlexibleRunner, Runner

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
WRAPPERS = ("OptimWrapper", "AmpOptimWrapper", "BFloat16OptimWrapper")
"""Optimiser wrappers of ordinary and of mixed precision."""
STARTERS = {"pytorch": "torchrun", "slurm": "srun", "mpi": "mpirun"}


def use_amp(cfg: Config, dtype: str | None = None) -> None:
    """Turn mixed precision on.

    Args:
        cfg: Config of a training.
        dtype: ``'bf16'``, bfloat16, or ``'fp16'``, float16 with loss scaling, on a GPU alone. Default None: bfloat16,
            but float16 on a GPU whose hardware lacks bfloat16.

    Raises:
        ConfigError: If the config's optimiser wrapper is of another kind, or the device cannot do it.
    """
    wrapper = cfg.optim_wrapper
    kind = wrapper.get("type", "OptimWrapper")
    if kind not in WRAPPERS:
        raise ConfigError(f"--amp: optim_wrapper.type={kind!r} cannot be replaced, expected 'OptimWrapper'")
    gpu = torch.cuda.is_available()
    if dtype is None:
        lacking = gpu and not torch.cuda.is_bf16_supported(including_emulation=False)
        dtype = "fp16" if lacking else "bf16"
    if dtype == "fp16":
        if not gpu:
            raise ConfigError("--amp fp16: float16 needs a GPU, there is none; use --amp bf16")
        wrapper.update(type="AmpOptimWrapper", dtype="float16")
        return
    if gpu and not torch.cuda.is_bf16_supported():
        raise ConfigError("--amp bf16: the GPU has no bfloat16; use --amp fp16")
    wrapper.type = "BFloat16OptimWrapper"
    for key in ("loss_scale", "dtype", "use_fsdp"):  # AmpOptimWrapper's, about its loss scaling
        wrapper.pop(key, None)


def set_seed(cfg: Config, seed: int) -> None:
    """Set the run's seed and that of the splits of its data, so that ``--seed k`` is a whole repetition.

    The splits are those of the data sets of the three dataloaders, within wrappers such as ``ConcatDataset`` too. Keys
    named ``split`` elsewhere in the config stay.

    Args:
        cfg: Changed in place.
        seed: Of the run and the splits.
    """
    cfg.setdefault("randomness", {})
    cfg.randomness.seed = seed
    for loader in LOADERS:
        for dataset in wrapped_datasets((cfg.get(loader) or {}).get("dataset")):
            if isinstance(dataset.get("split"), dict):
                dataset["split"]["seed"] = seed


def scale_learning_rate(cfg: Config) -> None:
    """Scale the learning rate with the batch: of all processes, accumulated ones included.

    By the ratio to ``auto_scale_lr.base_batch_size``, for which the config's rate was chosen (Goyal et al. 2017), or
    its square root where ``auto_scale_lr.rule`` is ``'sqrt'``. mmengine's own scaling knows neither accumulation nor
    that.

    Args:
        cfg: Changed in place.

    Raises:
        ConfigError: If the config does not say for which batch its rate was chosen, or the rule is unknown.
    """
    scaling = cfg.get("auto_scale_lr") or {}
    base, rule = scaling.get("base_batch_size"), scaling.get("rule", "linear")
    if not base:
        raise ConfigError(f"--auto-scale-lr: {cfg.filename} has no auto_scale_lr.base_batch_size, the batch of its lr")
    if rule not in ("linear", "sqrt"):
        raise ConfigError(f"--auto-scale-lr: auto_scale_lr.rule={rule!r} is unknown, expected 'linear' or 'sqrt'")
    processes = 1 if cfg.launcher == "none" else _told(cfg.launcher)[1]
    batch = processes * cfg.train_dataloader.batch_size * cfg.optim_wrapper.get("accumulative_counts", 1)
    ratio = batch / base
    cfg.optim_wrapper.optimizer.lr *= ratio if rule == "linear" else math.sqrt(ratio)
    scaling["enable"] = False  # or mmengine would do so again


def prepare_distributed(cfg: Config) -> None:
    """Let a distributed launcher work where there is no GPU: gloo, and DDP or FSDP without device ids.

    Args:
        cfg: Changed in place.

    Raises:
        ConfigError: If the config shards the model and there is no launcher, or it has not started this process.
    """
    if cfg.launcher == "none" and cfg.get("strategy"):
        raise ConfigError(f"{cfg.filename}: strategy={cfg.strategy.type!r} needs --launcher, see tools/dist_train.sh")
    if cfg.launcher == "none":
        return
    told = _told(cfg.launcher)
    if torch.cuda.is_available():
        return
    if not torch.distributed.is_initialized():
        if cfg.launcher == "slurm" and "MASTER_ADDR" not in os.environ:
            os.environ["MASTER_ADDR"] = _first_node()
        if "MASTER_ADDR" not in os.environ:  # mpirun tells none, and torchrun always does
            raise ConfigError(f"--launcher {cfg.launcher}: set MASTER_ADDR to the name of the first machine")
        os.environ.update(zip(TOLD["pytorch"], map(str, told), strict=True))  # as mmengine does it with GPUs
        os.environ.setdefault("MASTER_PORT", "29500")
        torch.distributed.init_process_group("gloo")
    cfg.sync_bn = None  # for GPUs alone
    cfg.model_wrapper_cfg = dict(
        type="MMDistributedDataParallel",
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get("find_unused_parameters", False),
    )


def _told(launcher: str) -> list[int]:
    """What a launcher has told this process: its number, how many there are, its number on this machine."""
    try:
        return [int(os.environ[name]) for name in TOLD[launcher]]
    except (KeyError, ValueError):
        *first, last = TOLD[launcher]
        raise ConfigError(
            f"--launcher {launcher}: {', '.join(first)} and {last} are not set; start it with {STARTERS[launcher]}"
        ) from None


def _first_node() -> str:
    """Name of the first machine of a job of Slurm."""
    nodes = os.environ.get("SLURM_STEP_NODELIST", "")
    command = ["scontrol", "show", "hostnames", nodes]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603, Slurm's own list
        return found.stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise ConfigError(
            f"--launcher slurm: scontrol does not tell the first of the machines {nodes!r}; set MASTER_ADDR to its name"
        ) from error


def build_runner(cfg: Config) -> Runner | FlexibleRunner:
    """Build the ``runner_type`` of the config, by default ``Runner``; ``FlexibleRunner`` takes a ``strategy``.

    The training data are built first: bands, classes and image size that the model's config leaves out are theirs
    (:func:`mmhsi.engine.resolve_numbers`), and so in what the runner writes of the config. Channels of surroundings in
    validation and test are as fitted to them.

    Args:
        cfg: The whole config; numbers of ``cfg.model`` are filled in place.

    Raises:
        ConfigError: If the config says what nobody reads (:func:`mmhsi.engine.check_config`) or lacks a section, there
            is no such runner, it would run what is in a checkpoint, the config states another
            number of bands or classes than the training data have, or the backbone does not take windows of theirs.
    """
    begin("reading the data")
    check_config(cfg)
    check_complete(cfg)
    name = cfg.get("runner_type", "Runner")
    kind = RUNNERS.get(name) if isinstance(name, str) else name
    if not isinstance(kind, type) or not issubclass(kind, ReadsCheckpointsAsData):
        raise ConfigError(
            f"{cfg.filename}: runner_type={name!r} is unknown, or reads checkpoints by a loader that runs what is in "
            f"them; expected {' or '.join(RUNNERS.module_dict)}, or a class derived from mmhsi.engine.CheckedRunner"
        )
    with building(cfg):
        dataset = resolve_from_data(cfg) if cfg.get("train_dataloader") else None
        begin("building the model")
        runner = kind.from_cfg(cfg)  # type: ignore[attr-defined]
    if dataset is not None:
        model, spec = unwrap_model(runner), InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
        backbone = getattr(model, "backbone", None)
        if isinstance(backbone, SizedBackbone) and spec is not None and spec.window is not None:
            backbone.check_window(spec.window)
        leave_out_single(cfg, dataset, model, runner.world_size)
        # So that files are read once. mmengine copies the config of a loader with all that is in it, but no function.
        runner._train_dataloader = {**cfg.train_dataloader, "dataset": {"type": lambda: dataset}}
        for name in ("val_dataloader", "test_dataloader"):  # not in cfg, which is written down
            if spec is not None and cfg.get(name):
                compare_windows(cfg[name].dataset, f"{name}.dataset", model, spec.window)
                data = with_fitted_channels(cfg[name].dataset, spec, f"{name}.dataset")
                setattr(runner, f"_{name}", {**cfg[name], "dataset": data})
    return runner
