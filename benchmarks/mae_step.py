"""MAE on ViT-B at 64 x 64 x 32, patch 8, 75 % masked: its step beside mmpretrain's MAE, and what masking saves."""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from torch import Tensor

from mmhsi.registry import MODELS
from mmhsi.utils.cli import quiet_imports

BANDS, SIDE, PATCH, RATIO = 32, 64, 8, 0.75


def our_mae() -> torch.nn.Module:
    """The dissertation's model."""
    sizes = dict(in_channels=BANDS, img_size=SIDE, patch_size=PATCH)
    return MODELS.build(
        dict(
            type="MAE",
            data_preprocessor=dict(type="TilePreprocessor", num_bands=BANDS),
            backbone=dict(type="HSIViT", arch="base", **sizes),
            decoder=dict(type="MAEDecoder", embed_dims=768, decoder_embed_dims=512, depth=8, num_heads=16, **sizes),
            masking=dict(type="RandomMasking", ratio=RATIO),
        )
    )


def their_mae() -> torch.nn.Module:
    """The same in mmpretrain."""
    model = dict(
        type="MAE",
        backbone=dict(
            type="MAEViT",
            arch="b",
            img_size=SIDE,
            patch_size=PATCH,
            mask_ratio=RATIO,
            patch_cfg=dict(in_channels=BANDS),
        ),
        neck=dict(
            type="MAEPretrainDecoder",
            num_patches=(SIDE // PATCH) ** 2,
            patch_size=PATCH,
            in_chans=BANDS,
            embed_dim=768,
            decoder_embed_dim=512,
            decoder_depth=8,
            decoder_num_heads=16,
        ),
        head=dict(
            type="MAEPretrainHead",
            patch_size=PATCH,
            in_channels=BANDS,
            loss=dict(type="PixelReconstructionLoss", criterion="L2"),
        ),
    )
    with DefaultScope.overwrite_default_scope("mmpretrain"):
        return MMPRETRAIN_MODELS.build(model)


def seconds(loss: Callable[[], Tensor], model: torch.nn.Module) -> float:
    """Seconds of a forward and a backward pass, of the processor: on one thread others' work does not count."""
    start = time.process_time()
    loss().backward()
    model.zero_grad(set_to_none=True)
    return time.process_time() - start


def compare(name: str, goal: float, first: Callable[[], float], second: Callable[[], float], rounds: int) -> None:
    """Time two things in turns, the first round uncounted, and print the median of the ratios and their spread."""
    times = np.array([[first(), second()] for _ in range(rounds + 1)])[1:]
    ratios = times[:, 0] / times[:, 1]
    print(
        f"{name}: {np.median(times[:, 0]):.2f} s beside {np.median(times[:, 1]):.2f} s; ratio {np.median(ratios):.3f} "
        f"({ratios.min():.3f} to {ratios.max():.3f}), goal at most {goal}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=8)
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        ours = our_mae()
    theirs = their_mae()
    print("parameters:", *(sum(parameter.numel() for parameter in model.parameters()) for model in (ours, theirs)))
    x = torch.randn(args.batch, BANDS, SIDE, SIDE)
    compare(
        "Step, mmhsi beside mmpretrain",
        1.05,
        lambda: seconds(lambda: ours.loss(x, None)["loss"], ours),
        lambda: seconds(lambda: theirs.loss(x, [])["loss"], theirs),
        args.rounds,
    )
    encoder = ours.backbone
    patches = (SIDE // PATCH) ** 2
    everything = torch.arange(patches).expand(args.batch, -1)
    few = everything[:, : patches - round(RATIO * patches)]
    compare(
        "Encoder, 75 % masked beside unmasked",
        0.35,
        lambda: seconds(lambda: encoder.forward_visible(x, few)[0].square().mean(), encoder),
        lambda: seconds(lambda: encoder.forward_visible(x, everything)[0].square().mean(), encoder),
        args.rounds,
    )


if __name__ == "__main__":
    main()
