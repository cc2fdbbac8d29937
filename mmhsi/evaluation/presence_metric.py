"""The metric of models that tell which classes occur in a tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mmengine.evaluator import BaseMetric

from mmhsi.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@METRICS.register_module()
class PresenceMetric(BaseMetric):
    """Average precision and F1, over all decisions (``micro_AP``, ``micro_F1``) and means over classes (``macro_…``).

    In per cent. Classes of no tile do not count in the means over classes. F1 is that of scores of 0.5 and more.

    Args:
        collect_device: mmengine's: ``'cpu'`` or ``'gpu'``.
        prefix: mmengine's: put before every key.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take a batch of predictions in.

        Args:
            data_batch: Not used.
            data_samples: Samples with ``gt_sem_seg`` and ``pred_score`` (K,).
        """
        from mmhsi.models.presence import presence  # not above: evaluation of maps needs no models

        for sample in data_samples:
            score = sample["pred_score"].cpu()
            truth = presence(sample["gt_sem_seg"]["data"].cpu(), len(score))
            self.results.append((truth.numpy(), score.numpy()))

    def compute_metrics(self, results: list[tuple[NDArray[np.bool_], NDArray[np.float32]]]) -> dict[str, float]:
        """Sum up.

        Args:
            results: One (truth, score) a tile.
        """
        from sklearn.metrics import average_precision_score, f1_score  # not at the top: half a second

        truth = np.stack([result[0] for result in results])
        scores = np.stack([result[1] for result in results])
        there = truth.any(axis=0)
        if not there.any():
            return {}
        found: dict[str, float] = {}
        for average, classes in (("macro", there), ("micro", slice(None))):
            true, score = truth[:, classes], scores[:, classes]
            found[f"{average}_AP"] = 100 * float(average_precision_score(true, score, average=average))
            found[f"{average}_F1"] = 100 * float(f1_score(true, score >= 0.5, average=average, zero_division=0))
        return found
