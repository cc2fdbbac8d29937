"""Every comparison side by side: ``python benchmarks/run.py [--only NAME …] [--list] [--write docs/benchmarks.md]``."""

import importlib
from collections.abc import Sequence

from side_by_side import Comparison, main

FILES = (
    "data_layer",
    "product_windows",
    "product_streams",
    "hsi_vit_step",
    "any_band_embeddings",
    "sst_attention",
    "mae_step",
    "lo_msst_step",
    "mrs_masking",
    "dinov2_step",
    "head_step",
    "scene_inference",
)


def all_comparisons() -> dict[str, Sequence[Comparison]]:
    """The comparisons of every file."""
    return {name: importlib.import_module(name).COMPARISONS for name in FILES}


if __name__ == "__main__":
    main(all_comparisons())
