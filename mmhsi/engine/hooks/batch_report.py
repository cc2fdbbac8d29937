"""Which samples a batch is made of, and what values they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 3
"""Samples that a line names."""


def model_inputs(batch: dict) -> tuple[list[Tensor], list[Tensor | None]]:
    """What the model saw, on the host.

    Args:
        batch: What the model's preprocessor made of a batch.

    Returns:
        Inputs of every view, one without views, each (B, C, h, w), followed by a second source's; masks of pixels with
        data (B, h, w) of every view, None where all have some.
    """
    views = batch["inputs"]
    inputs = [views] if isinstance(views, Tensor) else list(views)
    valid = batch.get("valid")
    masks = list(valid) if isinstance(valid, (list, tuple)) else [valid]
    if isinstance(batch.get("second"), Tensor):
        inputs.append(batch["second"])
    return [x.detach().cpu() for x in inputs], [None if mask is None else mask.cpu() for mask in masks]


def sample_names(data_batch: dict, count: int, scene: str | None = None) -> list[str]:
    """Where every sample of a batch lies.

    Args:
        data_batch: As the loader gave it: with ``row`` and ``column`` as of :class:`mmhsi.datasets.SceneDataset`, or
            ``data_samples`` whose metainfo holds ``img_path`` and, of a part of a file, ``window``.
        count: Number of samples.
        scene: Name of the scene that rows and columns are of.
    """
    if "row" in data_batch and "column" in data_batch:
        pixels = zip(*(torch.as_tensor(data_batch[key]).tolist() for key in ("row", "column")), strict=True)
        where = f" of {scene}" if scene else ""
        return [f"row {row}, column {column}{where}" for row, column in pixels]
    samples: Sequence = data_batch.get("data_samples") or [None] * count
    return [_tile_name(index, getattr(sample, "metainfo", {})) for index, sample in enumerate(samples)]


def _tile_name(index: int, metainfo: dict) -> str:
    if "img_path" not in metainfo:
        return f"sample {index}"
    window = metainfo.get("window")
    if window is None:
        return str(metainfo["img_path"])
    top, left, height, width = window
    return f"{metainfo['img_path']} rows {top} to {top + height - 1}, columns {left} to {left + width - 1}"


def describe_batch(inputs: Sequence[Tensor], data_batch: dict, scene: str | None = None) -> list[dict]:
    """Name, ``values``, how many of them are ``finite``, and ``min`` and ``max`` of those, for every sample.

    Args:
        inputs: Tensors (B, …) of the batch, whose values are taken together.
        data_batch: As the loader gave it, see :func:`sample_names`.
        scene: Name of the scene.
    """
    flat = torch.cat([x.flatten(1).float() for x in inputs], dim=1)  # (B, n)
    finite = flat.isfinite()
    lowest = flat.where(finite, torch.inf).amin(1).tolist()
    highest = flat.where(finite, -torch.inf).amax(1).tolist()
    names = sample_names(data_batch, len(flat), scene)
    return [
        dict(name=name, values=flat.shape[1], finite=count, min=low, max=high)
        for name, count, low, high in zip(names, finite.sum(1).tolist(), lowest, highest, strict=True)
    ]


def name_suspects(samples: Sequence[dict]) -> str:
    """Which samples hold values that are not finite; if none, which holds the largest, in normalised units.

    Args:
        samples: What the report says of each sample.
    """
    bad = [sample["name"] for sample in samples if sample["finite"] < sample["values"]]
    if bad:
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        return f"{len(bad)} of {len(samples)} samples hold values that are not finite: {'; '.join(bad[:NAMED])}{more}"
    size, name = max((max(abs(sample["min"]), abs(sample["max"])), sample["name"]) for sample in samples)
    return f"the inputs of its {len(samples)} samples are finite, the largest, {size:.3g}, in {name}"
