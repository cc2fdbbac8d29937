"""From predictions to OA, AA, Kappa and IoU."""

from .confusion import ConfusionMatrix
from .metric import LandCoverMetric

__all__ = ["ConfusionMatrix", "LandCoverMetric"]
