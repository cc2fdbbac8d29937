"""Classical classifiers of pixels, behind the same data, metric and commands as the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.probabilities import tempered
from mmhsi.registry import MODELS

from ..classifiers import PixelClassifier
from .learner import Learner
from .samples import KeepsSamples

if TYPE_CHECKING:
    from mmengine.optim import OptimWrapper


@MODELS.register_module()
class ClassicalClassifier(KeepsSamples, PixelClassifier):
    """Learns from the centre pixels of the training windows, as the preprocessor gives them, in one epoch.

    Use windows of one pixel, and :class:`mmhsi.datasets.transforms.SceneChannels` for what lies around.

    Args:
        backbone: Config of the learner, such as ``dict(type='ExtraTrees')``.
        num_classes: K. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        data_preprocessor: Config of the preprocessor, e.g. :class:`mmhsi.models.ScenePreprocessor`.
        temperature: Calibrates the probabilities, see :class:`mmhsi.evaluation.Temperature`. Default 1: as they are.
        init_cfg: mmengine's; there is nothing to initialise.

    Raises:
        ConfigError: If the backbone is no classical learner, the number of classes is missing, or the temperature is
            not positive.
    """

    def __init__(
        self,
        backbone: dict,
        num_classes: int | None = None,
        data_preprocessor: dict | None = None,
        temperature: float = 1.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if not isinstance(self.backbone, Learner):
            raise ConfigError(f"ClassicalClassifier: {type(self.backbone).__name__} is no classical learner")
        if num_classes is None:
            raise ConfigError("ClassicalClassifier: num_classes is missing; build the runner with build_runner(cfg)")
        if not temperature > 0:
            raise ConfigError(f"ClassicalClassifier: temperature={temperature} given, expected more than 0")
        self.num_classes = num_classes
        self.temperature = temperature
        self.keep_none()

    def train_step(self, data: dict, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Keep a batch; nothing is optimised.

        Args:
            data: As the preprocessor takes it.
            optim_wrapper: Not used.
        """
        preprocessor: nn.Module = self.data_preprocessor  # type: ignore[assignment]
        batch = preprocessor(data, True)
        labels = torch.cat([sample.gt_label for sample in batch["data_samples"]])
        return self.keep(centres(batch["inputs"]), labels)

    def seen_window(self, window: tuple[int, int]) -> tuple[int, int]:
        """One pixel.

        Args:
            window: (h, w) in pixels.
        """
        return (1, 1)

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Class probabilities of windows.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).

        Returns:
            Shape (B, K).
        """
        assert isinstance(self.backbone, Learner)  # the constructor sees to it
        scores = self.scores(self.backbone, centres(inputs), self.num_classes)
        if self.temperature == 1:
            return scores
        return torch.from_numpy(tempered(scores.cpu().numpy(), self.temperature)).to(scores)


def centres(windows: Tensor) -> Tensor:
    """Centre pixels of windows, (B, C).

    Args:
        windows: Shape (B, C, h, w).
    """
    return windows[:, :, windows.shape[2] // 2, windows.shape[3] // 2]
