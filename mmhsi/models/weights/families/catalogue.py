"""All public weights by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError

from .dinov3 import DINOV3
from .dofa import DOFA
from .hypersigma import HYPERSIGMA
from .masked_sst import MASKED_SST
from .own import OWN
from .panopticon import PANOPTICON
from .pictures import PICTURES
from .spectral_earth import SPECTRAL_EARTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from .base import Family, PublicWeights

FAMILIES: tuple[Family, ...] = (
    OWN,
    DOFA,
    *HYPERSIGMA,
    MASKED_SST,
    PANOPTICON,
    SPECTRAL_EARTH,
    *PICTURES,
    DINOV3,
)
WEIGHTS: dict[str, PublicWeights] = {weights.name: weights for family in FAMILIES for weights in family.weights}


def public_weights(name: str) -> PublicWeights:
    """What is recorded about weights.

    Args:
        name: One of :data:`WEIGHTS`.

    Raises:
        ConfigError: If it is none, naming the nearest one.
    """
    if not isinstance(name, str) or name not in WEIGHTS:
        near = nearest(str(name), WEIGHTS)
        raise ConfigError(f"{name!r} is none of the public weights{near}; see: mmhsi weights list")
    return WEIGHTS[name]


def family_of(state: Mapping[str, Tensor]) -> Family | None:
    """The family in whose layout weights are; None of others.

    Args:
        state: A state dict.
    """
    return next((family for family in FAMILIES if family.owns(state)), None)
