"""What MRS masking costs beside the SS-MAE training step it serves: batches of 128 windows of 7 x 7 x 244.

One thread. A round draws MRS masks, draws random masks, then takes a step (forward, backward, AdamW) under MRS; shares
are medians over the rounds.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

from mmhsi.models import MRSMasking, SpectralMasking
from mmhsi.models.selfsup.ss_mae import SSMAE
from mmhsi.utils.cli import quiet_imports
from mmhsi.utils.memory import keep_freed_memory


def seconds(job: Callable[[], object]) -> float:
    """CPU time of one call: on one thread the time it would take on an idle core."""
    start = time.process_time()
    job()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="base", choices=["tiny", "base"], help="base is the paper's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    quiet_imports()
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    MMLogger.get_instance("mmhsi", log_level="ERROR")
    with DefaultScope.overwrite_default_scope("mmhsi"):
        model = SSMAE(
            backbone=dict(type="SSMAEViT", in_channels=244, arch=args.arch),
            spectral_masking=dict(type="MRSMasking", ratio=0.3),
            data_preprocessor=dict(type="ScenePreprocessor", num_bands=244),
        )
        model.init_weights()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, betas=(0.9, 0.95))
    # As the preprocessor hands it over.
    x = torch.randn(args.batch, 244, 7, 7).contiguous(memory_format=torch.channels_last)
    mrs, random = MRSMasking(0.3), SpectralMasking(0.3)

    def step() -> None:
        sum(model.loss(x, None).values()).backward()
        optimiser.step()
        optimiser.zero_grad()

    times = np.array(
        [[seconds(lambda: mrs(x)), seconds(lambda: random(x)), seconds(step)] for _ in range(args.rounds + 1)]
    )[1:]  # the first is not counted
    shares = times[:, 0] / times[:, 2]
    mrs_ms, random_ms, step_ms = 1000 * np.median(times, axis=0)
    print(
        f"{args.arch}, batch {args.batch}: MRS {mrs_ms:.1f} ms, random {random_ms:.1f} ms, step {step_ms:.0f} ms; "
        f"MRS is {np.median(shares):.3%} of the step ({shares.min():.3%} to {shares.max():.3%}), goal < 5 %"
    )


if __name__ == "__main__":
    main()
