"""From predictions to accuracies, areas and how sure they are; from reconstructions to PSNR and SSIM."""

from .areas import Estimate, MapAccuracy, stratified_accuracy
from .calibration import Reliability, Temperature, reliability
from .confusion import ConfusionMatrix
from .intervals import group_interval
from .metric import LandCoverMetric
from .presence_metric import PresenceMetric
from .reconstruction import ReconstructionMetric, psnr, ssim
from .regression import value_errors
from .value_metric import ValueMetric

__all__ = [
    "ConfusionMatrix",
    "Estimate",
    "LandCoverMetric",
    "MapAccuracy",
    "PresenceMetric",
    "ReconstructionMetric",
    "Reliability",
    "Temperature",
    "ValueMetric",
    "group_interval",
    "psnr",
    "reliability",
    "ssim",
    "stratified_accuracy",
    "value_errors",
]
