"""Networks that come with weights are built no larger than these: their config is a few numbers of a file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mmhsi.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILLED = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.eye)
"""Functions that make a tensor of the sides that they are given."""
STEPPED = (torch.arange, torch.linspace)
"""Those that make one of about as many values as their largest number."""
TIMES = 16
"""So many times the values of its weights may a network make while it is built, tables that are no weights included."""
VALUES = 1 << 26
"""Values that every network may make."""
CALLS, CALLS_A_WEIGHT = 1 << 17, 1 << 12
"""Calls of torch that every network may take to be built, and those for each of its weights."""


class BoundedBuilding(TorchFunctionMode):
    """Within the block, what is built out of all proportion to its weights is refused before it takes memory or time.

    Args:
        state: The weights that it will get.
        source: Whose they are, for the message.

    Raises:
        FileFormatError: In the block, if more values are made or more calls of torch are.
    """

    def __init__(self, state: Mapping[str, object], source: str) -> None:
        super().__init__()
        self.source = source
        self.values = VALUES + TIMES * sum(value.numel() for value in state.values() if isinstance(value, Tensor))
        self.calls = CALLS + CALLS_A_WEIGHT * len(state)

    def __torch_function__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict[str, object] | None = None
    ) -> object:
        """Count, and call; arguments are torch's."""
        kwargs = kwargs or {}
        if func is torch._C._set_grad_enabled:  # the end of a no_grad: a refusal here would leave gradients off
            return func(*args)
        self.calls -= 1
        if func in FILLED:
            first = args[0] if args else kwargs.get("size", ())
            sides = first if isinstance(first, list | tuple) else args
            self.values -= math.prod(side for side in sides if isinstance(side, int))
        elif func in STEPPED:
            self.values -= int(max((abs(arg) for arg in args if isinstance(arg, int | float)), default=0))
        if self.values < 0 or self.calls < 0:
            raise FileFormatError(f"{self.source}: its model is far larger than its weights")
        return func(*args, **kwargs)
