"""From command-line options to a config that mmengine's Runner can run."""

from __future__ import annotations

import math
import os

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.runner import FlexibleRunner, Runner

from mmhsi.errors import ConfigError
from mmhsi.registry import RUNNERS

from .runners import ReadsCheckpointsAsData

WRAPPERS = ("OptimWrapper", "AmpOptimWrapper", "BFloat16OptimWrapper")
"""Optimiser wrappers of ordinary and of mixed precision."""
WORLD_SIZES = {"pytorch": "WORLD_SIZE", "slurm": "SLURM_NTASKS", "mpi": "OMPI_COMM_WORLD_SIZE"}
"""Where each launcher tells how many processes there are, before they know each other."""


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
    """Set the run's seed and that of every split in the config, so that ``--seed k`` is a whole repetition.

    Args:
        cfg: Changed in place.
        seed: Of the run and the splits.
    """
    cfg.setdefault("randomness", {})
    cfg.randomness.seed = seed

    def visit(node: object) -> None:
        if isinstance(node, dict):
            split = node.get("split")
            if isinstance(split, dict):
                split["seed"] = seed
            for child in node.values():
                visit(child)
        elif isinstance(node, (list, tuple)):
            for child in node:
                visit(child)

    visit(cfg._cfg_dict)


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
    processes = int(os.environ[WORLD_SIZES[cfg.launcher]]) if cfg.launcher in WORLD_SIZES else 1
    batch = processes * cfg.train_dataloader.batch_size * cfg.optim_wrapper.get("accumulative_counts", 1)
    ratio = batch / base
    cfg.optim_wrapper.optimizer.lr *= ratio if rule == "linear" else math.sqrt(ratio)
    scaling["enable"] = False  # or mmengine would do so again


def prepare_distributed(cfg: Config) -> None:
    """Let a distributed launcher work where there is no GPU: gloo, and DDP or FSDP without device ids.

    Args:
        cfg: Changed in place.

    Raises:
        ConfigError: If the config shards the model and there is no launcher.
    """
    if cfg.launcher == "none" and cfg.get("strategy"):
        raise ConfigError(f"{cfg.filename}: strategy={cfg.strategy.type!r} needs --launcher, see tools/dist_train.sh")
    if cfg.launcher == "none" or torch.cuda.is_available():
        return
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    cfg.sync_bn = None  # for GPUs alone
    cfg.model_wrapper_cfg = dict(
        type="MMDistributedDataParallel",
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get("find_unused_parameters", False),
    )


def build_runner(cfg: Config) -> Runner | FlexibleRunner:
    """Build the ``runner_type`` of the config, by default ``Runner``; ``FlexibleRunner`` takes a ``strategy``.

    Args:
        cfg: The whole config.

    Raises:
        ConfigError: If there is no such runner, or it would run what is in a checkpoint.
    """
    name = cfg.get("runner_type", "Runner")
    runner = RUNNERS.get(name) if isinstance(name, str) else name
    if not isinstance(runner, type) or not issubclass(runner, ReadsCheckpointsAsData):
        raise ConfigError(
            f"{cfg.filename}: runner_type={name!r} is unknown, or reads checkpoints by a loader that runs what is in "
            f"them; expected {' or '.join(RUNNERS.module_dict)}, or a class derived from mmhsi.engine.CheckedRunner"
        )
    return runner.from_cfg(cfg)  # type: ignore[attr-defined]
