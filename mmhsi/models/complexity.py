"""What a model costs: parameters, floating-point operations, memory kept for the backward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmhsi.models.layers import PrunableLayers
from mmhsi.models.pruning import count_parameters

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Complexity:
    """Cost of one input.

    Attributes:
        parameters: All of them, fixed position tables included, see :func:`count_stored`.
        pruned: Those of them that lie in pruned layers.
        flops: Floating-point operations of a forward pass, two for each multiply-add of matrix products, convolutions
            and attention; element-wise work is left out.
        activations: Bytes kept for the backward pass, parameters not counted.
    """

    parameters: int
    pruned: int
    flops: int
    activations: int


def count_stored(module: nn.Module) -> int:
    """Number of values in all parameters, and in the fixed position tables that lie beside them in checkpoints.

    Papers count such tables, which are parameters in their code; here they are buffers, named ``…pos_embed``.
    """
    parameters = dict(module.named_parameters())
    tables = (v for k, v in module.state_dict().items() if k.endswith("pos_embed") and k not in parameters)
    return count_parameters(module) + sum(table.numel() for table in tables)


def measure_complexity(module: nn.Module, forward: Callable[[], Tensor | tuple[Tensor, ...]]) -> Complexity:
    """Measure a module.

    Returns:
        The cost.
    """
    stages = [part for part in module.modules() if isinstance(part, PrunableLayers)]
    pruned = sum(count_parameters(stage[index]) for stage in stages for index in stage.pruned_indices)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        forward()
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = forward()  # held, so that no storage is freed and its address counted for another
    del result
    return Complexity(count_stored(module), pruned, counter.get_total_flops(), sum(kept.values()))
