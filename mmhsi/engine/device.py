"""Which device a model runs on."""

from __future__ import annotations

import torch

from mmhsi.errors import ConfigError


def choose_device(name: str | None = None) -> torch.device:
    """The device that was asked for, if it can be used.

    Args:
        name: Torch's name. Default: a GPU where there is one.

    Raises:
        ConfigError: If it cannot be used.
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA raises the latter
        raise ConfigError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}") from error
    return device
