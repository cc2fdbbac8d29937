"""One confusion matrix, and everything that is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmhsi.errors import DataError


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Counts of (true class, predicted class) pairs.

    Attributes:
        counts: Shape (K, K), int64, rows the truth, columns the prediction.

    Example:
        >>> import numpy as np
        >>> truth, found = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1])
        >>> ConfusionMatrix.from_labels(truth, found, num_classes=2).overall_accuracy
        0.8
    """

    counts: np.ndarray

    @classmethod
    def from_labels(
        cls, truth: np.ndarray, prediction: np.ndarray, num_classes: int, ignore_index: int = 255
    ) -> ConfusionMatrix:
        """Count label pairs.

        Args:
            truth: Class indices, any shape; ``ignore_index`` is left out.
            prediction: Class indices of the same shape.
            num_classes: K.
            ignore_index: Default 255.

        Returns:
            The matrix.

        Raises:
            DataError: If shapes differ or an index lies outside 0 to K−1.
        """
        if truth.shape != prediction.shape:
            raise DataError(f"truth has shape {truth.shape}, prediction {prediction.shape}")
        kept = truth != ignore_index
        true, predicted = truth[kept].astype(np.int64), prediction[kept].astype(np.int64)
        for name, values in (("truth", true), ("prediction", predicted)):
            if values.size and (values.min() < 0 or values.max() >= num_classes):
                raise DataError(f"{name} holds class {values.min()} to {values.max()}, expected 0 to {num_classes - 1}")
        flat = np.bincount(true * num_classes + predicted, minlength=num_classes**2)
        return cls(flat.reshape(num_classes, num_classes))

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        return ConfusionMatrix(self.counts + other.counts)

    @cached_property
    def occurs(self) -> np.ndarray:
        """Whether each class occurs in the truth, bool (K,)."""
        return self.counts.sum(axis=1) > 0

    @property
    def overall_accuracy(self) -> float:
        """OA: share of correct pixels; NaN without pixels."""
        total = self.counts.sum()
        return float(np.trace(self.counts) / total) if total else float("nan")

    @property
    def class_accuracy(self) -> np.ndarray:
        """Share of each class's pixels that are found (recall, producer's accuracy), (K,); NaN where it is absent."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.occurs, np.diag(self.counts) / self.counts.sum(axis=1), np.nan)

    @property
    def average_accuracy(self) -> float:
        """AA: mean of :attr:`class_accuracy` over the classes that occur."""
        return float(np.mean(self.class_accuracy[self.occurs])) if self.occurs.any() else float("nan")

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond chance; NaN where chance agreement is complete."""
        total = self.counts.sum()
        if not total:
            return float("nan")
        chance = float((self.counts.sum(axis=0) / total) @ (self.counts.sum(axis=1) / total))
        return (self.overall_accuracy - chance) / (1 - chance) if chance < 1 else float("nan")

    @property
    def class_iou(self) -> np.ndarray:
        """Intersection over union of each class, (K,); NaN where it does not occur in the truth."""
        hit = np.diag(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - hit
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.occurs, hit / union, np.nan)

    @property
    def mean_iou(self) -> float:
        """mIoU: mean of :attr:`class_iou` over the classes that occur."""
        return float(np.mean(self.class_iou[self.occurs])) if self.occurs.any() else float("nan")

    def percentages(self) -> dict[str, float]:
        """``OA``, ``AA``, ``Kappa`` and ``mIoU`` in per cent."""
        return {
            "OA": 100 * self.overall_accuracy,
            "AA": 100 * self.average_accuracy,
            "Kappa": 100 * self.kappa,
            "mIoU": 100 * self.mean_iou,
        }
