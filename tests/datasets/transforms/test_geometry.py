"""Flips and quarter turns, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from samples import tagged

from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import RandomDihedral, RandomFlip
from mmhsi.registry import TRANSFORMS


def symmetries(array: np.ndarray) -> list[np.ndarray]:
    """The 8 symmetries of the square: with and without transposing, rows and columns forward and backward."""
    out = []
    for transposed in (False, True):
        base = np.array([[array[r, c] for r in range(array.shape[0])] for c in range(array.shape[1])])
        base = base if transposed else array
        height, width = base.shape[:2]
        for rows in (range(height), range(height)[::-1]):
            for columns in (range(width), range(width)[::-1]):
                out.append(np.array([[base[r, c] for c in columns] for r in rows]))
    return out


def test_all_eight_symmetries_occur_in_step(bands: int) -> None:
    sample = tagged(bands, 3, 4)
    expected = {key: symmetries(sample[key]) for key in ("img", "gt_seg_map", "valid")}
    seen = np.zeros(8, dtype=int)
    seed_everything(0)
    for _ in range(80):
        result = RandomDihedral()(dict(sample))
        matches = [
            index
            for index in range(8)
            if all(np.array_equal(result[key], expected[key][index]) for key in ("img", "gt_seg_map", "valid"))
        ]
        assert len(matches) == 1
        seen[matches[0]] += 1
        assert result["img_shape"] == result["img"].shape[:2]
        assert result["img"].dtype == sample["img"].dtype
    assert seen.min() >= 2


@pytest.mark.parametrize(
    ("direction", "rows", "columns"), [("horizontal", 1, -1), ("vertical", -1, 1), ("diagonal", -1, -1)]
)
def test_flip_in_step(bands: int, direction: str, rows: int, columns: int) -> None:
    sample = tagged(bands)
    sample["gt_values"] = sample["img"][..., :2] / 2
    result = RandomFlip(prob=1.0, direction=direction)(dict(sample))
    for key in ("img", "gt_seg_map", "valid", "gt_values"):
        expected = [[sample[key][r, c] for c in range(11)[::columns]] for r in range(9)[::rows]]
        np.testing.assert_array_equal(result[key], expected)
    assert result["img"].dtype == sample["img"].dtype
    assert result["flip"] is True


def test_flip_without_validity_or_labels() -> None:
    sample = tagged(4)
    del sample["valid"], sample["gt_seg_map"]
    result = RandomFlip(prob=1.0)(dict(sample))
    np.testing.assert_array_equal(result["img"], sample["img"][:, ::-1])
    assert "valid" not in result


def test_flip_draws_every_direction() -> None:
    seed_everything(0)
    flip = RandomFlip(prob=[0.25, 0.25, 0.25], direction=["horizontal", "vertical", "diagonal"])
    drawn = [flip(tagged(4))["flip_direction"] for _ in range(200)]
    for direction in ("horizontal", "vertical", "diagonal", None):
        assert 25 <= drawn.count(direction) <= 80


def test_bare_name_in_a_config_keeps_validity_in_step() -> None:
    """Not mmcv's of the same name, which would leave ``valid`` behind."""
    assert type(TRANSFORMS.build(dict(type="RandomFlip", prob=1.0))) is RandomFlip
