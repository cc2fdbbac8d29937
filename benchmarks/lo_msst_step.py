"""What encoding visible tokens alone saves: an LO-MSST Base step on 116 x 128 x 128 cubes, 75 % of 7424 tokens hidden.

Forward and backward pass, one thread. The other side is the same algorithm with a mask token at every hidden place and
all tokens through the encoder. Both alternate; ratios are medians over the rounds.
"""

import argparse
import time

import numpy as np
import torch
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmhsi.models.selfsup.lo_msst import LOMSST
from mmhsi.utils.cli import quiet_imports

GOALS = {"TubeMasking": 2.5, "RandomMasking": 2.0}


class AllTokens(LOMSST):
    """Mask tokens go through the encoder, as in public code of masked spatial-spectral transformers."""

    def __init__(self, **options: dict) -> None:
        super().__init__(**options)
        self.mask_token = nn.Parameter(torch.zeros(self.backbone.embed_dims))

    def encode(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Run the backbone's eight layers on all tokens."""
        tokens = torch.where(hidden[..., None], self.mask_token + self.backbone.position((16, 16)), tokens)
        return self.backbone.encode(tokens, (7,))[0]


def step(model: LOMSST, x: Tensor, valid: Tensor) -> float:
    """Seconds of a forward and a backward pass."""
    start = time.perf_counter()
    model(x, valid=valid, mode="loss")["loss"].backward()
    model.zero_grad(set_to_none=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=2)
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    x = torch.randn(args.batch, 116, 128, 128)
    valid = torch.ones(args.batch, 128, 128, dtype=torch.bool)
    for masking, goal in GOALS.items():
        options = dict(
            backbone=dict(type="SST", arch="base", in_channels=116),
            masking=dict(type=masking, ratio=0.75),
            data_preprocessor=dict(type="TilePreprocessor", num_bands=116),
        )
        with DefaultScope.overwrite_default_scope("mmhsi"):
            ours, whole = LOMSST(**options), AllTokens(**options)
        times = np.array([[step(ours, x, valid), step(whole, x, valid)] for _ in range(args.rounds + 1)])[1:]
        ratios = times[:, 1] / times[:, 0]
        print(
            f"{masking}, batch {args.batch}: visible tokens {np.median(times[:, 0]):.2f} s, all tokens "
            f"{np.median(times[:, 1]):.2f} s a step; {np.median(ratios):.2f} times as fast ({ratios.min():.2f} to "
            f"{ratios.max():.2f}), goal at least {goal}",
            flush=True,
        )


if __name__ == "__main__":
    main()
