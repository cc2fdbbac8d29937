"""An optimiser's place for models that have nothing to optimise."""

from __future__ import annotations

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmhsi.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class NoOptimWrapperConstructor:
    """``optim_wrapper=dict(constructor='NoOptimWrapperConstructor')``: of a single empty parameter, at rate 0.

    mmengine's runner trains nothing without one; classical models (:class:`mmhsi.models.ClassicalClassifier`) learn
    from their samples instead.

    Args:
        optim_wrapper_cfg: Nothing in it is used.
        paramwise_cfg: Likewise.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        pass

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """The wrapper."""
        return OptimWrapper(torch.optim.SGD([nn.Parameter(torch.zeros(0))], lr=0.0))
