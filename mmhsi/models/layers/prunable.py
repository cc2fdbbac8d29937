"""A list of residual layers of which some may be switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class PrunableLayers(nn.ModuleList):
    """Residual layers that run one after another, and know which of them are pruned.

    Pruned ones are passed over (:meth:`run`), which is what zeroed parameters would do, at no cost. Their parameters
    stay where they are, so that checkpoints hold the originals.

    The state is the persistent bool buffer ``pruned``, one flag a layer; a state dict with layers and without it means
    that nothing is pruned. Python's copy of it spares a wait for the device in every step: change it through
    :meth:`set_pruned` or a state dict alone. The number of layers is fixed at construction.

    Args:
        layers: The layers. Each must be the identity when all of its parameters are zero.
    """

    pruned: Tensor

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__(layers)
        self.register_buffer("pruned", torch.zeros(len(self), dtype=torch.bool))
        self._pruned_indices: frozenset[int] = frozenset()

    def is_pruned(self, index: int) -> bool:
        """Whether the layer at ``index``, counted from 0, is passed over.

        Args:
            index: Of the layer.
        """
        return index in self._pruned_indices

    def run_layer(self, index: int, x: Tensor, *args: object) -> Tensor:
        """Run the layer at ``index``, or pass over it: (R, n, d) -> (R, n, d).

        Args:
            index: Of the layer, from 0.
            x: Tokens, shape (R, n, d).
            *args: What it takes besides.
        """
        return x if self.is_pruned(index) else self[index](x, *args)

    def run(self, x: Tensor, *args: object) -> Iterator[Tensor]:
        """Yield the output of every layer in turn, each (R, n, d); a pruned layer's is its input.

        Args:
            x: Tokens, shape (R, n, d).
            *args: What every layer takes besides.
        """
        for index in range(len(self)):
            x = self.run_layer(index, x, *args)
            yield x

    @property
    def pruned_indices(self) -> list[int]:
        """Indices of the pruned layers, ascending."""
        return sorted(self._pruned_indices)

    def set_pruned(self, indices: Iterable[int]) -> None:
        """Prune exactly these layers; all others run.

        Gradients of pruned layers are dropped: optimisers pass over a parameter whose gradient is None, weight decay
        included.

        Args:
            indices: Layers from 0; none for no pruning.

        Raises:
            ConfigError: If a layer that was stripped would have to run.
        """
        gone = {index for index, layer in enumerate(self) if isinstance(layer, nn.Identity)} - set(indices)
        if gone:
            raise ConfigError(
                f"layer {min(gone)} was stripped and cannot run again; use the checkpoint before stripping"
            )
        self._pruned_indices = frozenset(indices)
        for index, layer in enumerate(self):
            self.pruned[index] = self.is_pruned(index)
            if self.is_pruned(index):
                for parameter in layer.parameters():
                    parameter.grad = None

    def strip(self) -> None:
        """Drop the parameters of the pruned layers for good; empty places keep the numbering of the others."""
        for index in self._pruned_indices:
            self[index] = nn.Identity()

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: object) -> None:
        """Load, then read the flags once; a pruned layer of which the state dict has nothing was stripped."""
        if any(key.startswith(prefix) for key in state_dict):
            state_dict.setdefault(f"{prefix}pruned", torch.zeros_like(self.pruned))
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._pruned_indices = frozenset(self.pruned.nonzero().flatten().tolist())
        for index in self._pruned_indices:
            if not any(key.startswith(f"{prefix}{index}.") for key in state_dict):
                self[index] = nn.Identity()
