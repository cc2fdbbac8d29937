"""From command-line options to a config that mmengine's Runner can run."""

from __future__ import annotations

import torch
import torch.distributed
from mmengine.config import Config

from mmhsi.errors import ConfigError


def use_amp(cfg: Config) -> None:
    """Turn mixed precision on: fp16 with loss scaling on a GPU, bfloat16 on a CPU.

    Raises:
        ConfigError: If the config's optimiser wrapper is of another kind.
    """
    kind = cfg.optim_wrapper.get("type", "OptimWrapper")
    if kind not in ("OptimWrapper", "AmpOptimWrapper"):
        raise ConfigError(f"--amp: optim_wrapper.type={kind!r} cannot be replaced, expected 'OptimWrapper'")
    cfg.optim_wrapper.type = "AmpOptimWrapper" if torch.cuda.is_available() else "CPUAmpOptimWrapper"


def set_seed(cfg: Config, seed: int) -> None:
    """Set the run's seed and that of every split in the config, so that ``--seed k`` is a whole repetition."""
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
    """Let a distributed launcher work where there is no GPU: gloo, and DDP without device ids."""
    if cfg.launcher == "none" or torch.cuda.is_available():
        return
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    cfg.model_wrapper_cfg = dict(
        type="MMDistributedDataParallel",
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get("find_unused_parameters", False),
    )
