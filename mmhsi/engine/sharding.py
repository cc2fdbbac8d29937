"""What training with sharded weights (FSDP) needs beside mmengine's ``FSDPStrategy``."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce
from mmengine.model import MMFullyShardedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn

from mmhsi.models.heads import DINOHead
from mmhsi.models.layers import ViTLayer
from mmhsi.registry import MODEL_WRAPPERS, OPTIM_WRAPPERS


def is_shard(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:  # noqa: ARG001, FSDP hands it over
    """FSDP's ``auto_wrap_policy``: every layer of a transformer and every DINO head is a shard of its own.

    Args:
        module: Part of the model.
        recurse: Whether FSDP asks if it shall look into ``module``; it always shall.
        nonwrapped_numel: Parameters that no shard has yet; not looked at.
    """
    return recurse or isinstance(module, (ViTLayer, DINOHead))


@MODEL_WRAPPERS.register_module()
class ShardedDataParallel(MMFullyShardedDataParallel):
    """mmengine's FSDP wrapper, cut by :func:`is_shard`, on a CPU too where there is no GPU.

    Args:
        module: The model.
        device_id: Number of the GPU, which mmengine gives.
        **kwargs: Of ``MMFullyShardedDataParallel``.
    """

    def __init__(self, module: nn.Module, device_id: int, **kwargs: object) -> None:
        device = device_id if torch.cuda.is_available() else torch.device("cpu")
        super().__init__(module, auto_wrap_policy=is_shard, device_id=device, **kwargs)


@OPTIM_WRAPPERS.register_module()
class ShardedOptimWrapper(OptimWrapper):
    """Clips gradients by the norm over all shards; mmengine's would take a process's own shards for the whole model.

    For ``clip_grad=dict(max_norm=…)``, the 2-norm, and models that are sharded over all processes.
    """

    def _clip_grad(self) -> None:
        """Scale all gradients down to ``max_norm``."""
        groups = self.optimizer.param_groups
        gradients = [value.grad for group in groups for value in group["params"] if value.grad is not None]
        norms = torch._foreach_norm(gradients) if gradients else [groups[0]["params"][0].new_zeros(())]
        total = torch.stack(norms).square().sum()
        all_reduce(total)
        norm = total.sqrt()
        torch._foreach_mul_(gradients, (self.clip_grad_kwargs["max_norm"] / (norm + 1e-6)).clamp(max=1.0))
        self.message_hub.update_scalar(f"train/{self.grad_name}", float(norm))
