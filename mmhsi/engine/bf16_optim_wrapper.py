"""Mixed precision in bfloat16."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmhsi.registry import OPTIM_WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Iterator


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """bfloat16 autocast on the parameters' device, be it a GPU or a CPU.

    bfloat16 has float32's range, so that there is no loss scaling, which mmengine's ``AmpOptimWrapper`` always has, and
    which asks for a GPU. Its state is that of ``OptimWrapper``: a run can be resumed with or without mixed precision.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast the forward pass."""
        device = self.optimizer.param_groups[0]["params"][0].device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield
