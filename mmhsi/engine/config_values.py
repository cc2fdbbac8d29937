"""Values of a config that are not what their arguments are for: a word for a number, or a number for a part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Optional, Union, get_args, get_origin

from torch import nn

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    import inspect

WHOLE = {"batch_size": 1, "max_epochs": 1, "max_iters": 1, "num_workers": 0, "seed": 0}
"""Names that stand for whole numbers wherever they stand, and the least of each."""
_KNOWN = dict(
    **dict(Any=Any, Callable=Callable, Iterable=Iterable, Literal=Literal, Mapping=Mapping, Optional=Optional),
    **dict(Path=Path, PathLike=PathLike, Sequence=Sequence, Union=Union, nn=nn, Module=nn.Module),
)
"""What words in annotations mean."""


def check_values(where: str, given: Mapping[str, Any], named: Mapping[str, inspect.Parameter], exact: bool) -> None:
    """Compare words and numbers of a description with what the arguments are annotated as.

    Args:
        where: Where it stands.
        given: The description.
        named: The arguments.
        exact: Whether all annotations can be relied on; else those of words and numbers alone are.

    Raises:
        ConfigError: Naming the first value that cannot be meant.
    """
    for name, value in given.items():
        least = WHOLE.get(name)
        if least is not None and value is not None and (type(value) is not int or value < least):
            raise ConfigError(f"{where}.{name} = {value!r}; expected a whole number of at least {least}")
        if name == "lr" and isinstance(value, int | float | str) and not _is_rate(value):
            raise ConfigError(f"{where}.{name} = {value!r}; expected a number of at least 0")
        if name not in named or not isinstance(value, bool | int | float | str):
            continue
        hint = named[name].annotation
        if hint is named[name].empty:
            continue
        if isinstance(hint, str):
            try:
                hint = eval(hint, dict(_KNOWN))  # noqa: S307, of an installed class
            except Exception:  # noqa: S112, it says something that is not known here
                continue
        if not _fits(value, hint, exact):
            expected = getattr(hint, "__name__", str(hint)) if isinstance(hint, type) else str(hint)
            raise ConfigError(f"{where}.{name} = {value!r}; expected {expected}")


def _is_rate(value: float | str) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _fits(value: bool | float | str, hint: Any, exact: bool) -> bool:
    """Whether a value can be what an annotation says; what is not understood may be anything."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each, exact) for each in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    kind = origin or hint
    if kind is None or kind is type(None):
        return False
    if kind is float:
        return isinstance(value, int | float)
    if kind in (int, bool, str):
        return isinstance(value, kind) or (kind is bool and value in (0, 1))
    if not exact or not isinstance(kind, type) or getattr(kind, "_is_protocol", False):
        return True
    return isinstance(value, str) if kind in (Path, PathLike) else isinstance(value, kind)
