"""Whether what a checkpoint says about the data of its training can be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmhsi.carried_config import check_carried_config
from mmhsi.errors import ConfigError
from mmhsi.registry import TRANSFORMS


def _whole_numbers(value: object, low: int, high: float) -> bool:
    return isinstance(value, list | tuple) and all(type(item) is int and low <= item <= high for item in value)


def _is_side(value: object) -> bool:
    sides = [value, value] if isinstance(value, int) else value
    return _whole_numbers(sides, 1, float("inf")) and len(sides) == 2  # type: ignore[arg-type]


_EXPECTED: dict[str, tuple[str, Callable[[object], bool]]] = {
    "classes": ("a list of names", lambda value: isinstance(value, list | tuple) and len(value) > 0),
    "bands": ("a list of 0-based bands", lambda value: _whole_numbers(value, 0, float("inf"))),
    "file_bands": ("a number of bands", lambda value: type(value) is int and value > 0),
    "label_ids": ("a list of whole numbers", lambda value: _whole_numbers(value, -(2**63), 2**63)),
    "ignore_ids": ("a list of whole numbers", lambda value: _whole_numbers(value, -(2**63), 2**63)),
    "palette": (
        "a list of RGB colours, 0 to 255",
        lambda value: isinstance(value, list | tuple) and all(_whole_numbers(c, 0, 255) and len(c) == 3 for c in value),
    ),
    "window": ("a side in pixels, or two", _is_side),
    "tile_size": ("a side in pixels, or two", _is_side),
    "transforms": (
        "a list of configs",
        lambda value: (
            isinstance(value, list | tuple) and all(isinstance(step, dict) and "type" in step for step in value)
        ),
    ),
}
_NEEDED = ("classes", "bands", "file_bands")


def check_facts(meta: object, checkpoint: str | Path) -> dict:
    """Check the ``dataset_meta`` of a checkpoint.

    Args:
        meta: What stands there.
        checkpoint: The file, for the message.

    Returns:
        ``meta``.

    Raises:
        ConfigError: If a fact is missing or cannot be meant so.
        FileFormatError: If a transform is no plain config of a registered one.
    """
    if not isinstance(meta, dict) or not meta.get("classes"):
        raise ConfigError(f"checkpoint {checkpoint}: says nothing of classes; was it written by tools/train.py?")
    for name, (expected, holds) in _EXPECTED.items():
        value = meta.get(name)
        if value is None and name not in _NEEDED:
            continue
        if not holds(value):
            raise ConfigError(f"checkpoint {checkpoint}: dataset_meta says {name} = {value!r}, expected {expected}")
    if max(meta["bands"], default=0) >= meta["file_bands"]:
        raise ConfigError(
            f"checkpoint {checkpoint}: dataset_meta names band {max(meta['bands'])} of {meta['file_bands']}"
        )
    check_carried_config(
        meta.get("transforms"), f"checkpoint {checkpoint}: its transforms", (TRANSFORMS,), files="file"
    )
    colours = meta.get("palette")
    if colours and len(colours) != len(meta["classes"]):
        raise ConfigError(f"checkpoint {checkpoint}: {len(colours)} colours for {len(meta['classes'])} classes")
    return meta
