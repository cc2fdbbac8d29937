"""What encoding visible tokens alone saves: an LO-MSST Base step on 116 x 128 x 128 cubes, 75 % of 7424 tokens hidden.

The other side is the same algorithm with a mask token at every hidden place and all tokens through the encoder.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from side_by_side import Bench, Comparison, Measure, main
from torch import Tensor, nn

from mmhsi.models.rng import BatchRNG
from mmhsi.models.selfsup.lo_msst import LOMSST

if TYPE_CHECKING:
    from collections.abc import Sequence


class AllTokens(LOMSST):
    """Mask tokens go through the encoder, as in public code of masked spatial-spectral transformers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.mask_token = nn.Parameter(torch.zeros(self.backbone.embed_dims))

    def predict_patches(
        self, inputs: Tensor, rng: BatchRNG | None = None, wavelengths: Sequence[float] | None = None
    ) -> tuple[Tensor, tuple[int, int], Tensor]:
        """Run all of the backbone's layers on all tokens."""
        tokens = self.backbone.embed(inputs, wavelengths)
        hidden = self.masking(rng or BatchRNG(len(inputs), inputs.device), self.backbone.num_blocks, tokens.grid)
        positions = self.backbone.position(tokens.grid).flatten(0, 1)  # (G, N, d) -> (G·N, d)
        patches = torch.where(hidden.flatten(1)[..., None], self.mask_token + positions, tokens.patches)
        latent = self.backbone.encode_last(tokens._replace(patches=patches)).patches
        return hidden, tokens.grid, self.decoder(latent.view(*hidden.shape, -1), hidden, tokens.grid).float()


def both(masking: str, bench: Bench) -> tuple[Measure, Measure]:
    """Forward and backward pass on two cubes; their number a second."""
    bands, side, batch = bench.size(116, 16), bench.size(128, 32), 2
    options: dict[str, Any] = dict(
        backbone=dict(type="SST", arch="base", in_channels=bands),
        masking=dict(type=masking, ratio=0.75),
        data_preprocessor=dict(type="TilePreprocessor", num_bands=bands),
    )
    x = torch.randn(batch, bands, side, side, device=bench.device)
    valid = torch.ones(batch, side, side, dtype=torch.bool, device=bench.device)

    def cubes_per_second(model: LOMSST) -> Measure:
        model.to(bench.device)
        seconds = bench.forward_backward(model, lambda: model(x, valid=valid, mode="loss")["loss"])
        return lambda: batch / seconds()

    return cubes_per_second(LOMSST(**options)), cubes_per_second(AllTokens(**options))


SHARED: dict[str, Any] = dict(unit="cubes/s", rounds=3, on_device=True)
COMPARISONS = [
    Comparison(
        "lo-msst-tube",
        "LO-MSST Base, 116×128×128, 75 % hidden as tubes, batch 2, forward and backward: speed beside all tokens "
        "through the encoder",
        partial(both, "TubeMasking"),
        goal="≥ 2.5",
        **SHARED,
    ),
    Comparison("lo-msst-random", "the same, hidden at random", partial(both, "RandomMasking"), goal="≥ 2", **SHARED),
]

if __name__ == "__main__":
    main(dict(lo_msst_step=COMPARISONS))
