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
        scores = [network.predict_scores(part) for part, network in zip(self.cut(x), self.members(), strict=True)]
        return self._mean(scores)

    def members(self) -> list[PixelClassifier]:
        """The classifiers, in their order."""
        return list(self.networks)  # type: ignore[arg-type]

    def _mean(self, scores: list[Tensor]) -> Tensor:
        weights = [weight for *_, weight in self.parts]
        return torch.stack([weight * of for weight, of in zip(weights, scores, strict=True)]).sum(dim=0) / sum(weights)

    def takes_rows(self) -> bool:
        """Whether every member sees one pixel, or takes rows itself."""
        windows = [window for _, window, _ in self.parts]
        return all(side == 1 or of.takes_rows((side, side)) for side, of in zip(windows, self.members(), strict=True))

    def forward_rows(self, image: Tensor, window: tuple[int, int]) -> Tensor:
        """Weighted mean of the members' class probabilities of all pixels that have a whole window within an image.

        Args:
            image: Normalised, shape (1, C, H, W).
            window: (h, w) in pixels, at least as large as each member's.

        Returns:
            Shape (K, H − h + 1, W − w + 1).
        """
        rows, columns = (size - side + 1 for size, side in zip(image.shape[2:], window, strict=True))
        scores: list[Tensor] = []
        for (channels, side, _), member in zip(self.parts, self.members(), strict=True):
            top, left = window[0] // 2 - side // 2, window[1] // 2 - side // 2
            part = image[:, channels, top : top + rows + side - 1, left : left + columns + side - 1]
            if side == 1:
                pixels = part[0].flatten(1).T[:, :, None, None]
                scores.append(member.predict_scores(pixels).T.unflatten(1, (rows, columns)))
            else:
                scores.append(member.predict_rows(part, (side, side)))
        return self._mean(scores)

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

    backbone: ClassifierMembers

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
        return self._calibrated(self.backbone(inputs), 1)

    def takes_rows(self, window: tuple[int, int]) -> bool:
        """Whether every member sees one pixel, or takes rows itself.

        The arguments are as for :meth:`PixelClassifier.takes_rows`.
        """
        return window != (1, 1) and self.backbone.takes_rows()

    def predict_rows(self, image: Tensor, window: tuple[int, int]) -> Tensor:
        """Calibrated class probabilities of all pixels that have a whole window within an image.

        The arguments are as for :meth:`PixelClassifier.predict_rows`.
        """
        return self._calibrated(self.backbone.forward_rows(image, window), 0)

    def _calibrated(self, scores: Tensor, dim: int) -> Tensor:
        if self.temperature == 1:
            return scores
        return torch.softmax(scores.clamp_min(SMALLEST).log() / self.temperature, dim=dim)
