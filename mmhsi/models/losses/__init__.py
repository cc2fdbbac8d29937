"""Losses: pure functions on scores and features, and the centring of targets."""

from .centring import SinkhornCentring, SoftmaxCentring
from .dino_loss import dino_loss
from .ibot_loss import ibot_loss
from .koleo_loss import koleo_loss

__all__ = ["SinkhornCentring", "SoftmaxCentring", "dino_loss", "ibot_loss", "koleo_loss"]
