"""Corpora of EnMAP tiles in their published layout: plain lists, folders a place, ids of no class."""

import numpy as np
import pytest
import rasterio
from generated_data import ENMAP_TASKS, TASKS, write_enmap_corpora, write_enmap_tasks, write_image

from mmhsi.datasets import CATALOGUE, TileDataset, tile_dataset
from mmhsi.datasets.layout import check_layout
from mmhsi.datasets.tile_list import list_tiles, read_names
from mmhsi.errors import DataError

PLAIN = [dict(type="LoadCube"), dict(type="LoadLabels")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("enmap")
    write_enmap_tasks(root)
    write_enmap_corpora(root)
    return root


@pytest.mark.parametrize("name", TASKS)
def test_task_gives_its_classes_and_no_label_elsewhere(root, name):
    info = CATALOGUE[name]
    dataset = TileDataset(name, subset="val", data_root=str(root), pipeline=PLAIN)
    assert len(dataset) == 2
    entry = dataset[0]
    with rasterio.open(entry["seg_map_path"]) as file:
        ids = file.read(1)
    expected = np.full(ids.shape, 255)
    for index, label in enumerate(info.label_ids):
        expected[ids == label] = index
    np.testing.assert_array_equal(entry["gt_seg_map"], expected)
    assert entry["img"].shape == (32, 32, info.shape[2])
    assert (dataset.spec.wavelengths is not None) == (name in ENMAP_TASKS)


def test_images_and_labels_of_a_list_lie_in_folders_of_their_own(root):
    dataset = TileDataset("enmap_cdl", subset="train", data_root=str(root), pipeline=PLAIN)
    image, labels = (dataset[1][key] for key in ("img_path", "seg_map_path"))
    assert image.endswith("spectral_earth/enmap_cdl/enmap/train000001/04131.tif")
    assert labels.endswith("spectral_earth/enmap_cdl/cdl/train000001/04131.tif")


def test_tasks_of_other_sensors_have_folders_and_crops_of_their_own(root):
    dataset = TileDataset("eo1_cdl", subset="train", data_root=str(root), pipeline=PLAIN)
    image, labels = (dataset[1][key] for key in ("img_path", "seg_map_path"))
    assert image.endswith("spectral_earth/eo1_cdl/eo1/train000001/04131.tif")
    assert labels.endswith("spectral_earth/eo1_cdl/cdl/train000001/04131.tif")
    infos = CATALOGUE["eo1_cdl"], CATALOGUE["desis_cdl"]
    assert [info.shape[2] for info in infos] == [198, 235]  # as long as the authors' statistics
    assert [[part.tiles for part in info.subsets] for info in infos] == [[357, 82, 111], [750, 100, 150]]
    assert {info.classes[info.label_ids.index(42)] for info in infos} == {"Dry beans"}


def test_hyspecnet_reads_the_images_that_its_arrays_are_made_of(root):
    dataset = TileDataset(
        "hyspecnet_11k", subset="train-hard", data_root=str(root), with_labels=False, pipeline=PLAIN[:1]
    )
    assert len(dataset) == 2
    assert dataset[0]["img_path"].endswith("-Y00-SPECTRAL_IMAGE.TIF")
    assert dataset[0]["img"].shape[2] == 202  # as HySpecNet-11k's authors keep
    assert dataset[0]["valid"].all()


def test_corpus_of_folders_is_searched_one_folder_deep(root):
    options = dict(data_root=str(root), with_labels=False, pipeline=PLAIN[:1])
    assert len(TileDataset("spectral_earth", subset="all", **options)) == 3


def test_layout_says_what_is_missing(root, tmp_path):
    write_enmap_corpora(tmp_path)
    lost = next((tmp_path / "hyspecnet-11k/patches").rglob("*test-easy*Y01-SPECTRAL_IMAGE.TIF"))
    lost.unlink()
    problems = check_layout("hyspecnet_11k", tmp_path)
    assert [line for line in problems if line.endswith(": missing, of subset test-easy")] == [
        f"{lost}: missing, of subset test-easy"
    ]
    assert any(line.endswith("is 36 x 36 x 224, expected 128 x 128 x 224") for line in problems)
    (line,) = check_layout("spectral_earth", tmp_path / "none")
    assert line.endswith("spectral_earth/enmap: no such folder of images, of subset all")
    assert any("subset train has 2 tiles, 1200 are published" in line for line in check_layout("enmap_cdl", root))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\n", "lists nothing"),
        ("a.tif\nb.png\n", "line 2 is no file name .* ends with .tif"),
        ("../a.tif\n", "line 1 is no file name"),
        ("/a.tif\n", "line 1 is no file name"),
    ],
)
def test_damaged_list_is_refused(tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read_names(tmp_path / "list.txt")


def test_files_of_folders_below_are_listed_in_order(tmp_path):
    for name in ("images/b/2.tif", "images/a/1.tif", "images/0.tif"):
        write_image(tmp_path / name, np.zeros((1, 2, 2), np.uint8))
    found = list_tiles(tmp_path, None, "images", "labels", "/*.tif")
    assert [image.relative_to(tmp_path).as_posix() for image, _ in found] == ["images/a/1.tif", "images/b/2.tif"]
    assert found[0][1] == tmp_path / "labels/a/1.tif"


def test_of_published_tiles_one_header_is_read_and_one_doubt_is_said(root, monkeypatch, recwarn):
    opened, reading = [], tile_dataset.read_headers
    monkeypatch.setattr(
        tile_dataset, "read_headers", lambda paths, *rest: opened.append(paths) or reading(paths, *rest)
    )
    for name in ("hyspecnet_11k", "spectral_earth"):
        subset = CATALOGUE[name].subsets[0].name
        dataset = TileDataset(name, subset=subset, data_root=str(root), with_labels=False, pipeline=PLAIN[:1])
        assert len([dataset[index] for index in range(len(dataset))]) > len(opened[-1]) == 1
    said = [str(warning.message) for warning in recwarn if "METADATA" in str(warning.message)]
    assert len(said) <= 1  # another test may have heard it
    assert all("not said of further files" in line for line in said)


def test_a_published_tile_of_other_bands_is_refused_where_it_is_read(tmp_path):
    write_enmap_corpora(tmp_path)
    path = sorted((tmp_path / "spectral_earth/enmap").glob("*/*.tif"))[1]
    write_image(path, np.zeros((3, 8, 8), np.uint16))
    dataset = TileDataset(
        "spectral_earth", subset="all", data_root=str(tmp_path), with_labels=False, pipeline=PLAIN[:1]
    )
    with pytest.raises(DataError, match="3 bands"):
        dataset[1]
