"""A scene that memory does not hold: the same samples, statistics and windows as of one that it does."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from scene_files import Windows, dataset, write_files
from torch.utils.data import DataLoader

from mmhsi.datasets import collate_pixels
from mmhsi.errors import DataError
from mmhsi.io import HSICube, write_cube
from mmhsi.models import ScenePreprocessor, attach_scenes


@pytest.fixture
def no_memory(tmp_path, monkeypatch):
    """Call it, and scenes are mapped from then on; they are read three rows at a time."""
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))

    def begin():
        monkeypatch.setattr("mmhsi.datasets.scene_in_file.ALWAYS_THERE", 0)
        monkeypatch.setattr("mmhsi.datasets.scene_in_file.available_memory", lambda: 0)
        monkeypatch.setattr("mmhsi.datasets.scene_in_file.PART", 3 * 15 * 4 * 2)

    return begin


@pytest.fixture
def root(tmp_path):
    """Files of a scene with a hole, of which the labels know nothing."""
    root, cube, _ = write_files(tmp_path)
    cube = cube.copy()
    cube[2:4, 5] = -1
    write_cube(root / "holes.tif", HSICube(cube, nodata=-1))
    return root


def options(root, **more):
    return dict(root=root, image="holes.tif", **more)


def both(root, no_memory, **more):
    held = dataset(**options(root, **more))
    no_memory()
    mapped = dataset(**options(root, **more))
    assert mapped.scene.mapped
    assert not held.scene.mapped
    return held, mapped


@pytest.mark.parametrize("subset", ["all", "labeled"])
def test_samples_and_statistics_are_those_of_memory(root, no_memory, subset):
    held, mapped = both(root, no_memory, subset=subset)
    assert len(held) == len(mapped)
    for ours, theirs in zip(mapped, held, strict=True):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(torch.as_tensor(ours[key]), torch.as_tensor(theirs[key])) for key in ours)
    for name in ("mean", "std", "count"):
        np.testing.assert_array_equal(getattr(mapped.band_statistics(), name), getattr(held.band_statistics(), name))
    assert mapped.metainfo == held.metainfo


def test_windows_are_gathered_as_from_memory(root, no_memory):
    batches, parts = [], []
    for data in both(root, no_memory, subset="all"):
        preprocessor = ScenePreprocessor(num_bands=data.spec.num_bands)
        statistics = data.band_statistics()
        preprocessor.fit(torch.as_tensor(statistics.mean), torch.as_tensor(statistics.std))
        preprocessor.with_valid = True
        attach_scenes(preprocessor, data)
        places = collate_pixels(data.__getitems__([0, 7, len(data) - 1, 40]))
        batches.append(preprocessor(places, training=False))
        parts.append(preprocessor.around(places, 1e9))
    for key in ("inputs", "valid"):
        torch.testing.assert_close(batches[1][key], batches[0][key], rtol=0, atol=0)
    for ours, theirs in zip(parts[1], parts[0], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_a_changed_file_is_mapped_anew_and_the_same_one_is_not(root, no_memory, monkeypatch):
    no_memory()
    first = dataset(**options(root, subset="all"))
    again = dataset(**options(root, subset="all"))
    assert first.scene.cube.data.filename == again.scene.cube.data.filename
    assert first.scene.key == again.scene.key
    write_cube(root / "holes.tif", HSICube(np.ones((12, 15, 4), np.int16)))
    changed = dataset(**options(root, subset="all"))
    assert changed.scene.key != first.scene.key
    assert (changed[0]["window"] == 1).all()


@pytest.mark.parametrize("gpu", [False, True])
def test_a_large_scene_is_held_for_a_gpu_alone(root, monkeypatch, tmp_path, gpu):
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))
    monkeypatch.setattr("mmhsi.datasets.scene_in_file.LARGEST_BESIDE_CPU", 12 * 15 * 6 * (2 + 4) - 1)
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    assert dataset(**options(root, subset="all")).scene.mapped is not gpu
    monkeypatch.setattr("mmhsi.datasets.scene_in_file.LARGEST_BESIDE_CPU", 12 * 15 * 6 * (2 + 4))
    assert not dataset(**options(root, subset="all")).scene.mapped


def test_what_is_no_file_of_this_machine_is_held(root, no_memory, monkeypatch):
    """Two scenes on servers have nothing that would tell them apart in the folder of unpacked files."""
    no_memory()
    monkeypatch.setattr("mmhsi.io.readers.raster.RasterReader.files", [])
    assert not dataset(**options(root, subset="all")).scene.mapped


def test_a_pickle_holds_the_file_and_no_values(root, no_memory):
    held, mapped = both(root, no_memory, subset="all")
    values = held.scene.cube.data.tobytes()
    assert values[:40] in pickle.dumps(held.scene)
    packed = pickle.dumps(mapped.scene)
    assert values[:40] not in packed
    other = pickle.loads(packed)
    assert other.mapped
    assert other.key == mapped.scene.key
    np.testing.assert_array_equal(other.cube.data, held.scene.cube.data)
    assert mapped.scene.cube.data.size == held.scene.cube.data.size


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not list a process's mappings")
def test_spawned_workers_map_the_same_file(root, no_memory):
    """Each gives the samples of a scene in memory, from pages of the file, of which no process has a copy."""
    held, mapped = both(root, no_memory, subset="all")
    loader = DataLoader(Windows(mapped), batch_size=20, num_workers=2, multiprocessing_context="spawn")
    windows, workers, own = map(torch.cat, zip(*loader, strict=True))
    assert len(set(workers.tolist()) - {os.getpid()}) == 2
    assert own.tolist() == [0] * len(held)
    for ours, theirs in zip(windows, held, strict=True):
        assert torch.equal(ours, torch.as_tensor(theirs["window"]))


def test_memory_of_a_batch_is_given_back_once(root, no_memory, monkeypatch):
    _, mapped = both(root, no_memory, subset="all")
    given = []
    monkeypatch.setattr("mmhsi.datasets.scene.let_go", given.append)
    corners = [(-2, 3), (0, 0), (9, 11)]
    windows = mapped.scene.cut_all(corners, (5, 4))
    assert len(given) == 1
    for window, corner in zip(windows, corners, strict=True):
        alone = mapped.scene.cut(*corner, (5, 4))
        assert all(torch.equal(window[name], alone[name]) for name in alone)


def test_an_empty_band_is_refused(root, no_memory):
    cube = np.ones((12, 15, 4), np.float32)
    cube[..., 2] = np.nan
    write_cube(root / "holes.tif", HSICube(cube))
    no_memory()
    with pytest.raises(DataError, match=r"1 band\(s\) hold nothing but nodata or NaN \(0-based: 2\)"):
        dataset(**options(root, subset="all"))
