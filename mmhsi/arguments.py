"""Checks of constructor arguments, and what their messages say: whose argument, its value, what was expected."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence, Set
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

Choice = TypeVar("Choice", bound=str)


def named_arguments(target: Callable) -> tuple[dict[str, inspect.Parameter], bool]:
    """Arguments that a function or a class's constructor names, also those that it hands on to its bases.

    Args:
        target: The function or class; a class's own ``**kwargs`` go to the next class of its bases.

    Returns:
        The arguments by name, and whether it takes others besides, which nobody names.
    """
    named: dict[str, inspect.Parameter] = {}
    if not isinstance(target, type):
        return _named(inspect.signature(target).parameters)
    for base in inspect.getmro(target)[:-1]:
        if "__init__" not in vars(base):
            continue
        _, *parameters = inspect.signature(vars(base)["__init__"]).parameters.items()
        own, others = _named(dict(parameters))
        named = {**own, **named}
        if not others:
            return named, False
    return named, target.__init__ is not object.__init__  # type: ignore[misc]


def _named(parameters: Mapping[str, inspect.Parameter]) -> tuple[dict[str, inspect.Parameter], bool]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = {name: parameter for name, parameter in parameters.items() if parameter.kind in kinds}
    return named, any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def takes_argument(cls: type, name: str) -> bool:
    """Whether a class's constructor names an argument, see :func:`named_arguments`."""
    return name in named_arguments(cls)[0]


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a message about a name that is unknown: the nearest of those that are known, or a few of them.

    Returns:
        Such as ``"; nearest: 'per_class'"``; empty where nothing could.
    """
    known = {each.casefold(): each for each in (sorted(names) if isinstance(names, Set) else names)}
    close = [name.casefold()] if name.casefold() in known else get_close_matches(name.casefold(), known, n=3)
    if close:
        return f"; nearest: {', '.join(repr(known[each]) for each in close)}"
    if not known:
        return ""
    return f"; expected one of {', '.join(list(known.values())[:12])}{', …' if len(known) > 12 else ''}"


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_seed(seed: object) -> None:
    """Refuse what is no seed of NumPy's and scikit-learn's generators.

    Args:
        seed: What was given.

    Raises:
        ConfigError: It is no whole number from 0 to 2**32 - 1.
    """
    if not (is_whole(seed) and 0 <= seed < 2**32):  # type: ignore[operator]
        raise ConfigError(f"seed={seed!r} given, expected a whole number from 0 to {2**32 - 1}")


def size_pair(owner: str, size: int | Sequence[int], name: str = "size") -> tuple[int, int]:
    """(height, width) of a side or a pair, in pixels.

    Args:
        owner: Who was given it, for the message.
        size: Side, or (height, width), in pixels.
        name: The argument, for the message.

    Raises:
        ConfigError: If it is neither, or not positive.
    """
    sides = list(size) if isinstance(size, Sequence) else [size, size]
    if len(sides) != 2 or not all(map(is_whole, sides)) or min(sides) < 1:
        raise ConfigError(f"{owner}: {name}={size!r} given, expected a side or (height, width) in pixels, at least 1")
    return int(sides[0]), int(sides[1])


def check_sizes(owner: str, **sizes: int) -> None:
    """Refuse constructor arguments that are no whole numbers, or below 1.

    Args:
        owner: Who was given them, for the message.
        **sizes: Arguments by name.

    Raises:
        ConfigError: Naming the first that is.
    """
    for name, size in sizes.items():
        if not is_whole(size):
            raise ConfigError(f"{owner}: {name}={size!r} given, expected a whole number of at least 1")
        if size < 1:
            raise ConfigError(f"{owner}: {name}={size} given, expected at least 1")


def check_number(owner: str, name: str, value: float, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number within [low, high].

    Args:
        owner: Who was given it, for the message.
        name: The argument, for the message.
        value: What was given.
        low: Least value allowed.
        high: Largest value allowed.

    Raises:
        ConfigError: If it is not.
    """
    good = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high
    if not good:
        bounds = f" of at least {low:g}" if high == math.inf else f" from {low:g} to {high:g}"
        raise ConfigError(f"{owner}: {name}={value!r} given, expected a number{'' if low == -math.inf else bounds}")
    return value


def check_choice(owner: str, name: str, value: Choice, choices: Iterable[Choice]) -> Choice:
    """One of some words.

    Args:
        owner: Who was given it, for the message.
        name: The argument, for the message.
        value: What was given.
        choices: What may be given.

    Raises:
        ConfigError: If it is none of them.
    """
    if value not in choices:
        raise ConfigError(f"{owner}: {name}={value!r} is unknown, expected {' or '.join(map(repr, choices))}")
    return value


def check_interval(
    owner: str, name: str, value: Sequence[float], low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """(smallest, largest), both within [low, high].

    Args:
        owner: Who was given it, for the message.
        name: The argument, for the message.
        value: What was given.
        low: Least value allowed.
        high: Largest value allowed.

    Raises:
        ConfigError: If it is not such a pair.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise ConfigError(f"{owner}: {name}={value!r} given, expected (smallest, largest)")
    smallest, largest = (check_number(owner, name, bound, low, high) for bound in value)
    if smallest > largest:
        raise ConfigError(f"{owner}: {name}={value!r} given, its smallest value exceeds its largest")
    return smallest, largest


def numbers(owner: str, name: str, value: float | Sequence[float] | NDArray) -> float | tuple[float, ...]:
    """One finite number for all bands, or one for each.

    Args:
        owner: Who was given it, for the message.
        name: The argument, for the message.
        value: A scalar, or one number a band, shape (C,).

    Raises:
        ConfigError: If it is neither.
    """
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        if len(value) == 0:
            raise ConfigError(f"{owner}: {name} is empty, expected a number, or one for each band")
        return tuple(float(check_number(owner, name, float(entry))) for entry in value)
    return check_number(owner, name, value)
