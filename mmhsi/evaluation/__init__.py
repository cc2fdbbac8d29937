"""From predictions to OA, AA, Kappa and IoU, from reconstructions to PSNR and SSIM."""

from .confusion import ConfusionMatrix
from .metric import LandCoverMetric
from .reconstruction import ReconstructionMetric, psnr, ssim

__all__ = ["ConfusionMatrix", "LandCoverMetric", "ReconstructionMetric", "psnr", "ssim"]
