"""What the finer label map holds within the test pixels of the Houston 2018 crop: one class, its border, or several.

Every test pixel of the published splits has 4 x 4 label pixels. Means over the splits of a protocol, in per cent.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets import FewShotSplit, PublishedSplit, SceneDataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmhsi.datasets.splits import SplitRule

PROTOCOLS: dict[str, Sequence[SplitRule]] = {
    "20 a class": [FewShotSplit(20, seed) for seed in range(5)],
    "5 a class": [FewShotSplit(5, seed) for seed in range(5)],
    "disjoint": [PublishedSplit("houston2018_crop_disjoint20", seed) for seed in range(8)],
}


def purity(fine: np.ndarray, scale: int) -> np.ndarray:
    """Kind of every cube pixel, shape (H, W): 0 one class alone, 1 one class and unlabelled ground, 2 several classes.

    Args:
        fine: Label ids, 0 for none, shape (H · s, W · s).
        scale: s.
    """
    height, width = fine.shape[0] // scale, fine.shape[1] // scale
    blocks = fine.reshape(height, scale, width, scale).swapaxes(1, 2).reshape(height, width, -1)
    classes = np.array([[len(np.unique(block[block > 0])) for block in row] for row in blocks])
    return np.where(classes > 1, 2, (blocks == 0).any(axis=2).astype(int))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("MMHSI_DATA", "data"), help="(default: %(default)s)")
    root = parser.parse_args().data
    dataset = SceneDataset("houston2018_crop", root, subset="labeled")
    info, labels = dataset.info, dataset.labels
    assert labels is not None
    from mmhsi.io import read_label_map

    kinds = purity(
        read_label_map(Path(root) / str(info.labels), info.labels_key, axes=info.labels_axes), info.label_scale
    ).ravel()
    print("| protocol | one class | one class and unlabelled ground | several classes |\n| --- | --- | --- | --- |")
    for name, rules in PROTOCOLS.items():
        tests = [rule(labels, dataset.spec.classes).test for rule in rules]
        shares = np.mean([np.bincount(kinds[test], minlength=3) / len(test) for test in tests], axis=0)
        print(f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
