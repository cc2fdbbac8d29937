"""Losses: functions on scores and features, the centring of targets, and the modules that decode heads take."""

from .centring import SinkhornCentring, SoftmaxCentring
from .dino_loss import dino_loss
from .ibot_loss import ibot_loss
from .koleo_loss import koleo_loss
from .segmentation import CrossEntropyLoss, FocalLoss

__all__ = [
    "CrossEntropyLoss",
    "FocalLoss",
    "SinkhornCentring",
    "SoftmaxCentring",
    "dino_loss",
    "ibot_loss",
    "koleo_loss",
]
