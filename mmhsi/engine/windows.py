"""Windows of validation and test data beside those that a model classifies pixels by."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from mmhsi.arguments import named_arguments, size_pair
from mmhsi.config_files import wrapped_datasets
from mmhsi.errors import DataWarning
from mmhsi.models.classifiers import PixelClassifier
from mmhsi.models.presence import PresenceClassifier
from mmhsi.models.protocols import SizedBackbone
from mmhsi.registry import DATASETS, registered

if TYPE_CHECKING:
    from torch import nn


def compare_windows(dataset: dict, key: str, model: nn.Module, trained: tuple[int, int] | None) -> None:
    """Warn where data have other windows around their pixels than the training, with which maps are made.

    Windows of models that see nothing but their centre may differ, and tiles.

    Args:
        dataset: Config of the data, and of those that it wraps.
        key: Where it stands in the config, for messages.
        model: The model.
        trained: (height, width) in pixels of the training's windows; None where unknown.

    Raises:
        ConfigError: If the backbone does not take such windows.
    """
    if trained is None or not isinstance(model, PixelClassifier) or isinstance(model, PresenceClassifier):
        return
    for part in wrapped_datasets(dataset):
        window = _window_of(part)
        if window is None or model.seen_window(window) == model.seen_window(trained):
            continue
        if isinstance(model.backbone, SizedBackbone):
            model.backbone.check_window(window)
        given, expected = (" x ".join(map(str, size)) for size in (window, trained))
        warnings.warn(
            f"{key}: windows of {given} pixels, where the model is trained on {expected} and makes its maps with "
            f"these; give window={trained[0] if trained[0] == trained[1] else trained} to measure what they are worth",
            DataWarning,
            stacklevel=3,
        )


def _window_of(dataset: dict) -> tuple[int, int] | None:
    """(height, width) in pixels of the windows that a config asks for, stated or by default; None for no windows."""
    kind = dataset.get("type")
    built = registered(DATASETS, kind) if isinstance(kind, str) else kind
    argument = named_arguments(built)[0].get("window") if isinstance(built, type) else None
    size = None if argument is None else dataset.get("window", argument.default)
    return None if size is None else size_pair(built.__name__, size, "window")  # type: ignore[union-attr]
