"""Transforms that a model was trained behind, for the data that it is tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmhsi.spec import InputSpec


def take_fitted_transforms(cfg: Config, spec: InputSpec) -> None:
    """Put the fitted transforms of a checkpoint in the place of those that test data would fit to themselves.

    Args:
        cfg: With ``test_dataloader``, whose ``dataset.transforms`` are changed in place where the same transforms, by
            their names, stand there.
        spec: What the model was trained on.
    """
    dataset = cfg.test_dataloader.dataset
    given = dataset.get("transforms")
    if given and [step.get("type") for step in given] == [step["type"] for step in spec.transforms]:
        dataset.transforms = [dict(step) for step in spec.transforms]
