"""What is recorded about public weights."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


RGB = (640.0, 550.0, 460.0)
"""Centres in nm of the bands that encoders of pictures are taken to have."""


@dataclass(frozen=True)
class PublicWeights:
    """One published file of weights. Facts that could not be confirmed are None or named in ``caveat``.

    Attributes:
        name: Under which configs ask for it.
        family: Its family's name.
        backbone: Config of the backbone that it fits, without bands.
        citation: Where it comes from.
        license: Terms of the weights as the publisher states them.
        homepage: Publisher's page; empty of those that come with this package.
        url: Where the file is to be had; None if no stable address is known.
        hub: Repository, file and revision on the Hugging Face hub; None if it is not there.
        sha256: Published checksum, or what of it the publisher gives (its beginning); None if there is none.
        wavelengths: Centres in nm of the bands that it was trained on; None where these were several sensors'.
        input_layer: What a config that names the weights does with the input layer, as ``init_cfg`` has it.
        normalisation: How its input was normalised, in words.
        caveat: What a user should know.
        carried: Whether its file comes with this package.
    """

    name: str
    family: str
    backbone: dict[str, Any]
    citation: str
    license: str
    homepage: str = ""
    url: str | None = None
    hub: tuple[str, str, str] | None = None
    sha256: str | None = None
    wavelengths: tuple[float, ...] | None = None
    input_layer: str = "refuse"
    normalisation: str = ""
    caveat: str = ""
    carried: bool = False


@dataclass(frozen=True)
class Family:
    """Weights of one layout.

    Attributes:
        name: Of the family.
        marks: A weight that only this layout has; empty of weights that need no translation.
        lacks: A weight that others with ``marks`` have. Default: none does.
        rules: Pattern of the beginning of a public name and what is put in its place; None: it is left out. Of each
            name the first that fits counts; others stay, under timm's names.
        reshape: By name here, what brings a weight into the shape that it has here.
        complete: Adds what the published file lacks, to the translated weights; None for nothing.
        weights: The published files.
    """

    name: str
    marks: str
    rules: Mapping[str, str | None]
    reshape: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    complete: Callable[[dict[str, Tensor]], None] | None = None
    weights: tuple[PublicWeights, ...] = ()
    lacks: str = ""

    def owns(self, state: Mapping[str, Tensor]) -> bool:
        """Whether weights are of this layout.

        Args:
            state: A state dict.
        """
        return any(
            f"{begin}{self.marks}" in state and f"{begin}{self.lacks}" not in state for begin in ("", "encoder.")
        )

    def to_timm(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Translate the embedding's weights; those of the layers get timm's names.

        Args:
            state: The public state dict.
        """
        found: dict[str, Tensor] = {}
        for key, value in state.items():
            name: str | None = key
            for pattern, new in self.rules.items():
                if re.match(pattern, key):
                    name = None if new is None else re.sub(rf"^{pattern}", new, key)
                    break
            if name is not None:
                found[name] = self.reshape[name](value) if name in self.reshape else value
        if self.complete is not None:
            self.complete(found)
        return found
