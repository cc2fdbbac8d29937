"""What a spectral mask costs beside the SS-MAE training step that it serves: batches of 128 windows of 7 x 7 x 244."""

from functools import partial
from typing import Any

import torch
from side_by_side import Bench, Comparison, Measure, main

from mmhsi.models import BatchRNG, MRSMasking, SpectralMasking
from mmhsi.models.selfsup.ss_mae import SSMAE


def mask_beside_step(masking: MRSMasking | SpectralMasking, bench: Bench) -> tuple[Measure, Measure]:
    """Drawing the masks of a batch, and forward, backward and AdamW under MRS masks."""
    bands = bench.size(244, 16)
    model = SSMAE(
        backbone=dict(type="SSMAEViT", in_channels=bands, arch="tiny" if bench.quick else "base"),
        spectral_masking=dict(type="MRSMasking", ratio=0.3),
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=bands),
    )
    model.to(bench.device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, betas=(0.9, 0.95))
    # As the preprocessor hands it over.
    x = torch.randn(bench.size(128, 8), bands, 7, 7, device=bench.device).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        torch.stack(list(model.loss(x).values())).sum().backward()
        optimiser.step()
        optimiser.zero_grad()

    return bench.seconds(lambda: masking(BatchRNG(len(x), x.device), x)), bench.seconds(step)


SHARED: dict[str, Any] = dict(rounds=3, on_device=True)
COMPARISONS = [
    Comparison(
        "mrs-masks",
        "MRS masks of a batch of 128 × 7×7×244 beside the SS-MAE training step, `base`",
        partial(mask_beside_step, MRSMasking(0.3)),
        goal="< 0.05",
        **SHARED,
    ),
    Comparison("random-masks", "random masks, likewise", partial(mask_beside_step, SpectralMasking(0.3)), **SHARED),
]

if __name__ == "__main__":
    main(dict(mrs_masking=COMPARISONS))
