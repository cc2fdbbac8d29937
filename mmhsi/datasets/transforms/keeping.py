"""What a transform makes of files and keeps for the next epoch."""

from __future__ import annotations

from typing import Generic, TypeVar

from mmhsi.arguments import check_number

T = TypeVar("T")


class Kept(Generic[T]):
    """The first values that come, as many as there is room for.

    Args:
        owner: The transform, for the message.
        cache_mb: Megabytes of room.

    Raises:
        ConfigError: If ``cache_mb`` is negative, infinite or no number.
    """

    def __init__(self, owner: str, cache_mb: float) -> None:
        self._free = check_number(owner, "cache_mb", cache_mb, low=0) * 1e6
        self._values: dict[tuple, T] = {}

    def get(self, place: tuple) -> T | None:
        """What is kept of a place, which must be copied before it is written into; None if nothing is."""
        return self._values.get(place)

    def offer(self, place: tuple, value: T, size: int) -> bool:
        """Keep a value if there is room.

        Args:
            place: File and part of it.
            value: Made of it.
            size: Bytes of the value.

        Returns:
            Whether it is kept.
        """
        if size > self._free:
            return False
        self._free -= size
        self._values[place] = value
        return True
