"""What the model of a checkpoint was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from mmhsi.spec import VERSION_KEY, InputSpec

if TYPE_CHECKING:
    from pathlib import Path


def checkpoint_spec(checkpoint: dict, path: str | Path) -> InputSpec:
    """Read the spec that mmengine put into a checkpoint, the training dataset's metainfo.

    Args:
        checkpoint: Of :func:`read_checkpoint`.
        path: Its file, for messages.

    Raises:
        ConfigError: If there is none, or it cannot be used.
    """
    meta = checkpoint["meta"].get("dataset_meta")
    mean = checkpoint["state_dict"].get("data_preprocessor.mean")
    if isinstance(meta, dict) and VERSION_KEY not in meta and isinstance(mean, Tensor) and mean.ndim == 1:
        meta = {**meta, "num_bands": len(mean)}  # the first version does not say
    return InputSpec.from_meta(meta, f"checkpoint {path}")
