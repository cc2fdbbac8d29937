"""Values of a config that are not what their arguments are for: a word for a number, or a number for a part."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter
from os import PathLike
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Optional, Union, get_args, get_origin

from torch import nn

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    import inspect

LONGEST = 60
"""Characters of a value that a message shows."""
_WORDS, _PLAIN = bool | int | float | str, dict | list | tuple | None
WHOLE = {
    "batch_size": 1,
    "max_epochs": 1,
    "max_iters": 1,
    "num_workers": 0,
    "opencv_num_threads": 0,
    "resource_limit": 1,
    "seed": 0,
}
"""Names that stand for whole numbers wherever they stand, and the least of each."""
_KNOWN = dict(
    **dict(Any=Any, Callable=Callable, Iterable=Iterable, Literal=Literal, Mapping=Mapping, Optional=Optional),
    **dict(Path=Path, PathLike=PathLike, Sequence=Sequence, Union=Union, nn=nn, Module=nn.Module),
)
"""What words in annotations mean."""


class _Unknown:
    """Stands for a name in an annotation that is not known here."""

    def __class_getitem__(cls, _: object) -> type:
        return cls


class _Names(dict):
    def __missing__(self, name: str) -> object:
        return getattr(builtins, name, _Unknown)


def check_values(where: str, given: Mapping[str, Any], named: Mapping[str, inspect.Parameter], exact: bool) -> None:
    """Compare the values of a description with what the arguments are annotated as.

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
        hint = named[name].annotation if name in named else None
        if not isinstance(value, _WORDS if not exact else _WORDS | _PLAIN) or hint in (None, Parameter.empty):
            continue
        if value is None and named[name].default is None:  # whatever the annotation says
            continue
        if isinstance(hint, str):
            try:
                hint = eval(hint, {}, _Names(_KNOWN))  # noqa: S307, of an installed class
            except Exception:  # noqa: S112, it says something that is not known here
                continue
        if not _fits(value, hint, exact):
            expected = getattr(hint, "__name__", str(hint)) if isinstance(hint, type) else str(named[name].annotation)
            raise ConfigError(f"{where}.{name} = {shown(value)}; expected {expected}")


def shown(value: object) -> str:
    """A value in a message, which is cut where it is long.

    Args:
        value: Any.
    """
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _is_rate(value: float | str) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _fits(value: object, hint: Any, exact: bool) -> bool:
    """Whether a value can be what an annotation says; what is not understood may be anything."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each, exact) for each in inner)
    if origin is Literal:
        return not isinstance(value, _PLAIN) and value in inner
    kind = origin or hint
    if kind in (None, type(None)):
        return value is None
    if value is None:
        return kind in (Any, _Unknown, object)
    if isinstance(value, dict):
        return kind not in (int, float, bool, str, Path, PathLike, list, tuple, Sequence, Iterable)
    if isinstance(value, list | tuple):
        return _fits_row(value, kind, inner, exact)
    if isinstance(value, bool) and kind in (int, float):
        return not exact
    if kind is float:
        return isinstance(value, int | float)
    if kind in (int, bool, str):
        return isinstance(value, kind) or (kind is bool and value in (0, 1))
    if not exact or not isinstance(kind, type) or kind is _Unknown or getattr(kind, "_is_protocol", False):
        return True
    return isinstance(value, str) if kind in (Path, PathLike) else isinstance(value, kind)


def _fits_row(value: list | tuple, kind: Any, inner: tuple, exact: bool) -> bool:
    """The same of a list or tuple."""
    if kind in (int, float, bool, str, dict, Mapping, Path, PathLike):
        return False
    if kind is tuple and inner and Ellipsis not in inner:
        return len(value) == len(inner) and all(map(_fits, value, inner, [exact] * len(inner)))
    of_one_kind = kind in (list, tuple, Sequence, Iterable) and inner
    return not of_one_kind or all(_fits(each, inner[0], exact) for each in value)
