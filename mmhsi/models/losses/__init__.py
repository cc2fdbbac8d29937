"""Losses: functions on scores and features, the centring of targets, and the modules that decode heads take."""

from .across_processes import counted_mean, reduce_mean, sum_over_processes
from .centring import SinkhornCentring, SoftmaxCentring
from .dino_loss import dino_loss
from .ibot_loss import ibot_loss
from .koleo_loss import koleo_loss
from .mask2former import Mask2FormerLoss
from .regression import AbsoluteErrorLoss, GaussianNLLLoss, HuberLoss, SquaredErrorLoss
from .segmentation import CrossEntropyLoss, DiceLoss, FocalLoss

__all__ = [
    "AbsoluteErrorLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "FocalLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "Mask2FormerLoss",
    "SinkhornCentring",
    "SoftmaxCentring",
    "SquaredErrorLoss",
    "counted_mean",
    "dino_loss",
    "ibot_loss",
    "koleo_loss",
    "reduce_mean",
    "sum_over_processes",
]
