"""From command-line options to a config that mmengine's Runner can run."""

from __future__ import annotations

import torch
import torch.distributed
from mmengine.config import Config

from mmhsi.errors import ConfigError

WRAPPERS = ("OptimWrapper", "AmpOptimWrapper", "BFloat16OptimWrapper")
"""Optimiser wrappers of ordinary and of mixed precision."""


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


def prepare_distributed(cfg: Config) -> None:
    """Let a distributed launcher work where there is no GPU: gloo, and DDP without device ids.

    Args:
        cfg: Changed in place.
    """
    if cfg.launcher == "none" or torch.cuda.is_available():
        return
    torch.distributed.init_process_group("gloo")
    cfg.model_wrapper_cfg = dict(type="MMDistributedDataParallel", device_ids=None, broadcast_buffers=False)
