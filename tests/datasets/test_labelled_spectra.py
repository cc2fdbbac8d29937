"""Labelled pixels of tiles, read whole and in parts."""

import numpy as np
import pytest

from mmhsi.datasets import TileDataset, labelled_spectra
from mmhsi.datasets.transforms import ScaleReflectance
from mmhsi.io import HSICube, write_class_map, write_cube

STEPS = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="ScaleReflectance", factor=0.5)]


@pytest.fixture
def scene(tmp_path):
    """A scene of 50 × 20 × 3 and its label ids, 0 to 2, on disk."""
    rng = np.random.default_rng(0)
    data, labels = rng.random((50, 20, 3), dtype=np.float32), rng.integers(0, 3, (50, 20)).astype(np.uint8)
    write_cube(tmp_path / "scene.tif", HSICube(data))
    write_class_map(tmp_path / "labels.tif", labels, class_names=["none", "a", "b"], palette=[(0, 0, 0)] * 3)
    return data, labels


def tiles(folder, pipeline, **options):
    described = dict(image="scene.tif", labels="labels.tif", classes=["a", "b"], label_ids=[1, 2])
    return TileDataset(scene=described, data_root=str(folder), pipeline=pipeline, **options)


def rows_seen(monkeypatch):
    """Rows of every image that is scaled, in a list that fills."""
    seen, scale = [], ScaleReflectance.transform

    def transform(self, results):
        seen.append(len(results["img"]))
        return scale(self, results)

    monkeypatch.setattr(ScaleReflectance, "transform", transform)
    return seen


@pytest.mark.parametrize("region", [None, (3, 2, 40, 17)])
@pytest.mark.parametrize("by_block", [False, True])
def test_a_large_tile_is_read_in_parts(scene, tmp_path, monkeypatch, region, by_block):
    monkeypatch.setattr(labelled_spectra, "BUDGET", 1)  # 16 rows at a time
    data = tiles(tmp_path, STEPS, region=region)  # which tries the steps out
    seen = rows_seen(monkeypatch)
    found = labelled_spectra.labelled_spectra(data, by_block)
    top, left, height, width = region or (0, 0, 50, 20)
    assert seen == [min(16, height - row) for row in range(0, height, 16)]
    values, labels = (array[top : top + height, left : left + width] for array in scene)
    rows, columns = np.nonzero(labels)
    assert found.spectra == pytest.approx(0.5 * values[rows, columns])
    assert found.labels.tolist() == (labels[rows, columns] - 1).tolist()
    blocks = {}
    for row, column, group in zip(rows // 16, columns // 16, found.groups, strict=True):
        blocks.setdefault((row, column) if by_block else 0, set()).add(group)
    assert all(len(groups) == 1 for groups in blocks.values())
    assert len(set().union(*blocks.values())) == len(blocks) == (2 * -(-height // 16) if by_block else 1)


def test_a_tile_that_a_step_needs_whole_is_read_whole(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(labelled_spectra, "BUDGET", 1)
    data = tiles(tmp_path, [*STEPS, dict(type="Pad", size=64)])
    seen = rows_seen(monkeypatch)
    found = labelled_spectra.labelled_spectra(data)
    assert seen == [50]
    assert len(found.labels) == np.count_nonzero(scene[1])
