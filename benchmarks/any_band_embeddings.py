"""Embeddings of any bands beside the fixed one: a training step of ViT-B on 202 bands, patch 4."""

from functools import partial

import torch
from side_by_side import Bench, Comparison, Measure, main

from mmhsi.models import HSIViT
from mmhsi.models.embeddings import EMBEDDINGS


def loss(model: HSIViT, x: torch.Tensor) -> torch.Tensor:
    """Of a training step."""
    return model(x)[0].square().mean()


def both(embedding: str, bands: int, bench: Bench) -> tuple[Measure, Measure]:
    """A forward and a backward pass of either."""
    arch, side = ("tiny", 16) if bench.quick else ("base", 32)
    wavelengths = torch.linspace(420, 2450, bands).tolist()
    models = [
        HSIViT(bands, arch, side, patch_size=4, embedding=name, wavelengths=wavelengths).to(bench.device)
        for name in (embedding, "fixed")
    ]
    x = torch.randn(bench.size(4, 1), bands, side, side, device=bench.device)
    first, second = (bench.forward_backward(model, partial(loss, model, x)) for model in models)
    return first, second


def comparison(embedding: str, bands: int) -> Comparison:
    """One embedding beside the fixed one."""

    def pair(bench: Bench) -> tuple[Measure, Measure]:
        return both(embedding, bands, bench)

    return Comparison(
        f"{embedding}-{bands}",
        f"HSIViT-B with embedding {embedding!r} beside 'fixed', 32×32×{bands}, patch 4, batch 4, forward and backward",
        pair,
        goal="≤ 1.15",
        rounds=5,
        on_device=True,
    )


COMPARISONS = [comparison(embedding, bands) for embedding in EMBEDDINGS for bands in (32, 202, 430)]

if __name__ == "__main__":
    main(dict(any_band_embeddings=COMPARISONS))
