"""Classical classifiers of pixels, behind the same data, metric and commands as the networks."""

from __future__ import annotations

import torch
from torch import Tensor

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError
from mmhsi.probabilities import tempered
from mmhsi.registry import MODELS

from ..classifiers import PixelClassifier
from .learner import Learner
from .samples import KeepsSamples, centres


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
        check_number("ClassicalClassifier", "temperature", temperature)
        if temperature <= 0:
            raise ConfigError(f"ClassicalClassifier: temperature={temperature} given, expected more than 0")
        self.num_classes = num_classes
        self.temperature = temperature
        self.keep_none()

    def keep_batch(self, samples: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Take samples in with their labels; arguments as for :meth:`KeepsSamples.keep_batch`."""
        return self.keep(samples, torch.cat([sample.gt_label for sample in data_samples]))

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Class probabilities of windows; arguments as for :meth:`PixelClassifier.predict_scores`.

        Returns:
            Shape (B, K).
        """
        assert isinstance(self.backbone, Learner)  # the constructor sees to it
        scores = self.scores(self.backbone, centres(inputs), self.num_classes)
        if self.temperature == 1:
            return scores
        return torch.from_numpy(tempered(scores.cpu().numpy(), self.temperature)).to(scores)
