"""Networks whose passes torch compiles."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch

from mmhsi.errors import ConfigError
from mmhsi.io.files import reason
from mmhsi.models.classical.samples import KeepsSamples
from mmhsi.models.classifiers import PixelClassifier
from mmhsi.models.mean_of_classifiers import MeanOfClassifiers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

OF_PIXELS = {"forward": {0: 16}, "forward_embedded": {0: 16}, "predict_rows": {2: 2, 3: 2}}
"""What maps ask a classifier of pixels for, the axes whose length changes from call to call, and the least length of
each for which torch makes no further program: convolutions choose another layout for fewer than 16 windows."""
OF_TILES = {"encode_decode": {0: 2}}
"""What they ask a segmentor for."""
PROGRAMS = 256
"""Of one method of a class, in a process; torch's own limit is 8, which a mean of many networks is beyond."""


def compile_passes(network: nn.Module) -> None:
    """Have ``torch.compile`` make what a map asks a network for, each part when it is first asked for.

    Args:
        network: Changed in place. Of a mean of classifiers the members are compiled, but for classical ones.

    Raises:
        ConfigError: If torch finds no compiler that works, or nothing is there to compile.
    """
    passes = [*_passes(network)]
    if not passes:
        raise ConfigError(
            f"--compile: {type(network).__name__} is no network, there is nothing to compile; leave --compile out"
        )
    logging.getLogger("torch.utils.cpp_extension").setLevel("ERROR")  # says that there is no GPU
    try:
        torch.compile(torch.sin)(torch.zeros(2))
    except Exception as error:
        raise ConfigError(
            f"--compile: torch cannot compile here ({_reason(error)}); leave --compile out, or install a C++ compiler"
        ) from error
    for part, name, least in passes:
        setattr(part, name, _compiled(getattr(part, name), least))


def _passes(network: nn.Module) -> Iterator[tuple[nn.Module, str, dict[int, int]]]:
    """Networks in a network, names of their methods, and the axes that change."""
    if not isinstance(network, PixelClassifier):
        yield from ((network, name, least) for name, least in OF_TILES.items())
        return
    for part in network.modules():
        if isinstance(part, PixelClassifier) and not isinstance(part, KeepsSamples | MeanOfClassifiers):
            yield from ((part, name, least) for name, least in OF_PIXELS.items())


def _compiled(method: Callable[..., Any], least: dict[int, int]) -> Callable[..., Any]:
    """A method whose first argument is a tensor, compiled once for all lengths of some axes but short ones."""
    compiled = torch._dynamo.config.patch(recompile_limit=PROGRAMS)(torch.compile(method))

    def call(x: Tensor, *further: Any, **named: Any) -> Any:
        if any(x.shape[axis] < length for axis, length in least.items()):
            return method(x, *further, **named)
        x = x.contiguous(memory_format=torch.channels_last)  # of a window that is turned torch would compile another
        for axis in least:
            torch._dynamo.maybe_mark_dynamic(x, axis)
        try:
            return compiled(x, *further, **named)
        except torch._dynamo.exc.TorchDynamoException as error:
            name = getattr(method, "__qualname__", type(method).__name__)
            raise ConfigError(f"--compile: torch cannot compile {name} ({_reason(error)}); leave it out") from error

    return call


def _reason(error: Exception) -> str:
    """What torch says, without its advice on how to see more."""
    return reason(error).partition(" Set TORCHDYNAMO_VERBOSE")[0][:300]
