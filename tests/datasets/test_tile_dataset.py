"""The tile dataset, from generated GeoTIFF pairs."""

import numpy as np
import pytest
import torch

from mmhsi.datasets import SeededIndex, TileDataset
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_class_map, write_cube

PIPELINE = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="RandomDihedral"), dict(type="PackTile")]


@pytest.fixture
def tiles(tmp_path, scope):
    """Three tiles of 8 × 8 × 5, band 3 flagged bad and empty, one pixel without data."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    rows = ["image,mask"]
    for index in range(3):
        data = rng.normal(1000, 50, (8, 8, 5)).astype(np.float32)
        data[:, :, 3] = -1
        data[index, 0] = -1
        good = np.array([True, True, True, False, True])
        write_cube(tmp_path / f"images/{index}.tif", HSICube(data, nodata=-1, good_bands=good))
        labels = rng.integers(0, 3, (8, 8)).astype(np.uint8)
        names = ["none", "a", "b"]
        write_class_map(tmp_path / f"labels/{index}.tif", labels, class_names=names, palette=[(0, 0, 0)] * 3)
        rows.append(f"images/{index}.tif,labels/{index}.tif")
    (tmp_path / "all.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def dataset(root, **kwargs):
    defaults = dict(data_root=str(root), split_file="all.csv", classes=["a", "b"], label_ids=[1, 2], pipeline=PIPELINE)
    return TileDataset(**{**defaults, **kwargs})


def test_bands_labels_and_nodata(tiles):
    data = dataset(tiles)
    assert data.metainfo["bands"] == [0, 1, 2, 4]
    sample = data[1]
    assert sample["inputs"].shape == (4, 8, 8)
    labels = sample["data_samples"].gt_sem_seg.data
    assert set(labels.unique().tolist()) <= {0, 1, 255}
    assert (~sample["valid"]).sum() == 1
    assert labels[0][~sample["valid"]].tolist() == [255]


def test_a_seeded_index_fixes_the_augmentation(tiles):
    data = dataset(tiles)
    first, again = (data[SeededIndex(0, 5)]["inputs"] for _ in range(2))
    assert torch.equal(first, again)
    drawn = [data[SeededIndex(0, seed)]["inputs"] for seed in range(20)]
    assert any(not torch.equal(first, other) for other in drawn)


def test_folders_in_place_of_a_csv(tiles):
    by_folder = dataset(tiles, split_file=None, image_dir="images", label_dir="labels")
    assert [by_folder.get_data_info(i)["seg_map_path"][-5:] for i in range(3)] == ["0.tif", "1.tif", "2.tif"]


def test_statistics_leave_nodata_out(tiles):
    mean = dataset(tiles).band_statistics().mean
    assert mean.shape == (4,)
    assert (abs(mean - 1000) < 20).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(split_file="none.csv"), DataError, r"none\.csv: no such file"),
        (dict(split_file="other.csv"), DataError, r"other\.csv: expected a header with image, mask"),
        (dict(split_file="gone.csv"), DataError, r"images/9\.tif: no such file, listed in gone\.csv"),
        (dict(split_file=None), ConfigError, "either split_file or image_dir"),
        (dict(split_file=None, image_dir="images"), ConfigError, "label_dir is needed"),
        (dict(split_file=None, image_dir="labels", suffix=".img"), DataError, r"holds no file \*\.img"),
    ],
)
def test_bad_input_is_one_clear_line(tiles, change, error, message):
    (tiles / "other.csv").write_text("a,b\n1,2\n")
    (tiles / "gone.csv").write_text("image,mask\nimages/9.tif,labels/9.tif\n")
    with pytest.raises(error, match=message) as caught:
        dataset(tiles, **change)
    assert "\n" not in str(caught.value)


def test_a_tile_with_other_bands_or_another_size_is_named(tiles):
    write_cube(tiles / "images/1.tif", HSICube(np.ones((8, 8, 4), dtype=np.float32)))
    with pytest.raises(DataError, match=r"1\.tif: 4 bands, the dataset's first tile has 5"):
        dataset(tiles)[1]
    write_cube(tiles / "images/2.tif", HSICube(np.ones((9, 8, 5), dtype=np.float32)))
    with pytest.raises(DataError, match=r"labels/2\.tif: label map of 8 . 8 pixels.*9 . 8"):
        dataset(tiles)[2]


def test_enmap_potsdam(shared_data, scope):
    data = TileDataset(
        data_root=str(shared_data / "enmap_potsdam"),
        split_file="test_files.csv",
        classes=list("abcdef"),
        label_ids=range(1, 7),
        pipeline=PIPELINE,
    )
    labels = np.concatenate([data[i]["data_samples"].gt_sem_seg.data.numpy().ravel() for i in range(len(data))])
    assert np.bincount(labels[labels < 255], minlength=6).tolist() == [55, 146, 315, 124, 20, 0]
    assert len(data.metainfo["bands"]) == 218
