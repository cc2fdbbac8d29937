"""What a family of channels is made of, and what it promises."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Views:
    """Rows of a scene as the families of channels see them.

    Attributes:
        spectra: Bands of zero mean and unit variance over the scene, float32 (H, W, C); 0 where there is no data.
        components: Their principal components of unit variance, most variance first, float32 (H, W, k).
        normalised: Those of the spectra divided by their length, which brightness does not change, (H, W, k').
        valid: Pixels that hold data, bool (H, W).
        finer: Second source of zero mean and unit variance, float32 (H · s, W · s, C2), or None.
        scale: s, its pixels per pixel of the first along each axis.
        limit: Pixels of the first source that a channel may see in every direction; None for any.
    """

    spectra: NDArray[np.float32]
    components: NDArray[np.float32]
    normalised: NDArray[np.float32]
    valid: NDArray[np.bool_]
    finer: NDArray[np.float32] | None = None
    scale: int = 1
    limit: int | None = None

    @property
    def fine_limit(self) -> int | None:
        """:attr:`limit` in pixels of the second source, counted from any of a pixel's own."""
        return None if self.limit is None else self.limit * self.scale

    @property
    def second(self) -> NDArray[np.float32]:
        """:attr:`finer`, shape (H · s, W · s, C2), where it has to be.

        Raises:
            DataError: If there is none.
        """
        if self.finer is None:
            raise DataError("SceneChannels: the scene came without the second source that it was fitted with")
        return self.finer


class ChannelGroup:
    """One family of channels. Its constructor's arguments are attributes of the same name, the fitted ones among them.

    Attributes:
        short: Its name in tables and in lists of groups.
        needs_second: Whether it is made of the second source.
        learned: Arguments that :meth:`fit` finds. Default: none.
    """

    short: str
    needs_second: bool = False
    learned: tuple[str, ...] = ()

    def fit(self, parts: Iterable[Views]) -> None:
        """Learn what :meth:`__call__` needs from whole scenes, without labels. Default: nothing.

        Args:
            parts: All rows of all scenes, some at a time; every pixel once, so that neighbours may be missing.
        """

    def reach(self, scale: int) -> int:
        """Pixels of the first source that a channel depends on in every direction, where nothing limits it.

        Args:
            scale: Pixels of the second source per pixel of the first along each axis.
        """
        raise NotImplementedError

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """Make the channels.

        Args:
            views: Rows of the scene; where they end within it, those nearer to the end than :meth:`reach` are not
                what they are in the whole scene.

        Returns:
            float32 array (H, W, F).
        """
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Arguments by which it can be built again, with its fitted state, as plain data."""
        names = inspect.signature(type(self)).parameters
        return {name: _plain(getattr(self, name)) for name in names}


def _plain(value: object) -> object:
    """Arrays and tuples as lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return list(value)
    return value


def positive(owner: str, name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Scales of filters.

    Args:
        owner: Whose they are, for the message.
        name: The argument.
        values: Numbers.

    Raises:
        ConfigError: If there are none, or one is not positive and finite.
    """
    given = tuple(values) if isinstance(values, Sequence | np.ndarray) else ()
    if not given or not all(isinstance(value, int | float) and 0 < value < math.inf for value in given):
        raise ConfigError(f"{owner}: {name}={values!r} given, expected a list of positive numbers")
    return given
