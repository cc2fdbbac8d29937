"""Weighted mean of classifiers of pixels that see different windows and different channels of a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.probabilities import SMALLEST
from mmhsi.registry import MODELS

from .classical.samples import KeepsSamples
from .classifiers import PixelClassifier

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class ClassifierMembers(nn.Module):
    """Classifiers side by side, each given its own part of a window.

    Args:
        members: For each a dict of ``model``, the config of a :class:`PixelClassifier`, whose preprocessor is not used;
            and where they are not the defaults, ``start`` and ``stop``, the channels it sees (default: all),
            ``window``, the side in pixels of what it sees (default 1), and ``weight`` (default 1).

    Raises:
        ConfigError: If there is none, one is no classifier of pixels, or its part of the window cannot be meant so.
    """

    def __init__(self, members: Sequence[dict]) -> None:
        super().__init__()
        if not members:
            raise ConfigError("ClassifierMembers: members is empty, expected at least one")
        self.parts = [_part(**{name: value for name, value in member.items() if name != "model"}) for member in members]
        self.networks = nn.ModuleList(MODELS.build(member["model"]) for member in members)
        for network in self.networks:
            if not isinstance(network, PixelClassifier):
                raise ConfigError(f"ClassifierMembers: {type(network).__name__} is no classifier of pixels")

    def forward(self, x: Tensor) -> Tensor:
        """Weighted mean of the members' class probabilities, (B, K).

        Args:
            x: Normalised windows (B, C, h, w), at least as large as each member's.
        """
        scores = [
            weight * network.predict_scores(part)  # type: ignore[operator]
            for part, (*_, weight), network in zip(self.cut(x), self.parts, self.networks, strict=True)
        ]
        return torch.stack(scores).sum(dim=0) / sum(weight for *_, weight in self.parts)

    def cut(self, x: Tensor) -> list[Tensor]:
        """What each member sees of windows.

        Args:
            x: Normalised windows (B, C, h, w), at least as large as each member's.
        """
        places = [
            (columns, window, x.shape[2] // 2 - window // 2, x.shape[3] // 2 - window // 2)
            for columns, window, _ in self.parts
        ]
        return [x[:, columns, top : top + window, left : left + window] for columns, window, top, left in places]


def _part(start: int = 0, stop: int | None = None, window: int = 1, weight: float = 1.0) -> tuple[slice, int, float]:
    """What a member sees and counts."""
    if type(start) is not int or start < 0 or not (stop is None or (type(stop) is int and stop > start)):
        raise ConfigError(f"ClassifierMembers: channels {start!r} to {stop!r} given, expected whole numbers that rise")
    if type(window) is not int or window < 1 or not weight > 0:
        raise ConfigError(f"ClassifierMembers: window={window!r}, weight={weight!r} given, expected positive numbers")
    return slice(start, stop), window, weight


@MODELS.register_module()
class MeanOfClassifiers(PixelClassifier):
    """An ensemble of classical classifiers and networks as one model, which inference takes as any other.

    Its members have been trained one by one; it cannot be trained itself.

    Args:
        backbone: Config of :class:`ClassifierMembers`.
        data_preprocessor: Config of the preprocessor, whose window is the largest of the members'.
        temperature: Calibrates the probabilities, see :class:`mmhsi.evaluation.Temperature`. Default 1: as they are.
        init_cfg: mmengine's; there is nothing to initialise.

    Raises:
        ConfigError: If the backbone is another, or the temperature is not positive.
    """

    def __init__(
        self,
        backbone: dict,
        data_preprocessor: dict | None = None,
        temperature: float = 1.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if not isinstance(self.backbone, ClassifierMembers):
            raise ConfigError(f"MeanOfClassifiers: {type(self.backbone).__name__} given, expected ClassifierMembers")
        if not temperature > 0:
            raise ConfigError(f"MeanOfClassifiers: temperature={temperature} given, expected more than 0")
        self.temperature = temperature

    def make_room(self, state: dict[str, Tensor]) -> None:
        """Give kept samples the shape of those in a checkpoint, which are then loaded.

        Args:
            state: The checkpoint's weights by name.
        """
        for name, module in self.named_modules():
            if isinstance(module, KeepsSamples):
                prefix = f"{name}."
                module.make_room({key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)})

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Calibrated class probabilities of windows, (B, K).

        The arguments are as for :meth:`PixelClassifier.predict_scores`.
        """
        scores: Tensor = self.backbone(inputs)
        if self.temperature == 1:
            return scores
        return torch.softmax(scores.clamp_min(SMALLEST).log() / self.temperature, dim=1)
