"""Facts of the catalogue, against each other and against the files where they exist."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from cube_files import write_geotiff

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.catalogue import CATALOGUE, scene_info
from mmhsi.datasets.catalogue.aviris_1992 import AVIRIS_1992
from mmhsi.datasets.catalogue.info import SceneInfo
from mmhsi.datasets.catalogue.table import COLUMNS, rows
from mmhsi.datasets.label_table import LabelTable
from mmhsi.datasets.layout import check_layout
from mmhsi.errors import ConfigError
from mmhsi.io import open_cube, read_label_map

# Pixels of each class, from the tables of the scenes' publisher (as the IMAE paper's tables 1 to 3 repeat them).
PIXELS = {
    "indian_pines": [46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93],
    "pavia_university": [6631, 18649, 2099, 3064, 1345, 5029, 1330, 3682, 947],
    "salinas": [2009, 3726, 1976, 1394, 2678, 3959, 3579, 11271, 6203, 3278, 1068, 1927, 916, 1070, 7268, 1807],
}


@pytest.fixture(params=CATALOGUE)
def info(request):
    return CATALOGUE[request.param]


def test_names_ids_and_colours_agree(info):
    LabelTable(info.label_ids, info.classes, info.ignore_ids)  # refuses differing lengths and ids named twice
    assert len(set(info.classes)) == len(info.classes)
    if info.palette is not None:
        assert len(info.palette) == len(info.classes)
        assert len(set(info.palette)) == len(info.palette)
        assert all(len(colour) == 3 and all(0 <= value <= 255 for value in colour) for colour in info.palette)


def test_bands_lie_in_the_file(info):
    if info.shape is None:
        return
    bands = info.shape[2]
    assert all(0 <= band < bands for band in (*info.bad_bands, *(info.rgb_bands or ())))
    assert not set(info.bad_bands) & set(info.rgb_bands or ())
    if info.wavelengths is not None:
        assert len(info.wavelengths) == bands
        assert all(350 < nm < 2600 for nm in info.wavelengths)


def test_second_source_and_labels_cover_the_same_ground(info):
    if info.second_shape is not None:
        assert info.second_image is not None
        assert info.second_shape[:2] == (info.shape[0] * info.second_scale, info.shape[1] * info.second_scale)
    if info.label_scale > 1:
        assert info.label_scale**2 / 2 < info.label_majority <= info.label_scale**2


def test_files_are_named_once_below_the_root_and_checksums_are_well_formed(info):
    names = [file.name for file in info.files] + [m.name for file in info.files for m in file.members]
    assert len(set(names)) == len(names)
    assert not any(name.startswith("/") or ".." in name.split("/") for name in names)
    for file in info.files:
        assert file.url is None or file.url.startswith("https://")
        for digest in (file.sha256, *(member.sha256 for member in file.members)):
            assert digest is None or len(bytes.fromhex(digest)) == 32
        assert file.md5 is None or len(bytes.fromhex(file.md5)) == 16


def test_what_loaders_read_is_what_the_download_brings(info):
    if not info.files:
        return
    brought = {m.name for file in info.files for m in file.members} | {file.name for file in info.files}
    wanted = {info.labels, info.second_image, *info.split_files} | {scene.image for scene in info.corpus}
    wanted |= set() if info.corpus else {info.image}
    assert wanted - {None} <= brought


def test_every_set_says_where_it_comes_from(info):
    assert info.citation
    assert info.homepage or info.obtain
    assert (info.form == "tiles") == bool(info.subsets)
    assert (info.form == "corpus") == bool(info.corpus)
    assert (info.form == "two-source scene") <= (info.second_image is not None)


def test_rows_fill_the_columns_and_break_no_markdown_table():
    assert [row[0] for row in rows()] == list(CATALOGUE)
    assert all(len(row) == len(COLUMNS) and "|" not in "".join(row) for row in rows())


def test_config_replaces_single_facts():
    info = scene_info(dict(base="salinas", labels="other_gt.mat", classes=None, rgb_bands=[3, 2, 1]))
    assert (info.labels, info.rgb_bands, info.title) == ("other_gt.mat", (3, 2, 1), "Salinas")
    assert len(info.classes) == 16


def test_scene_of_ones_own_needs_only_an_image():
    assert scene_info(dict(image="a.tif")).title == "a.tif"


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ("salinas-a", "nearest: 'salinas_a'"),
        (dict(base="salinas-a"), "nearest: 'salinas_a'"),
        (dict(base="salinas", colour=1), "scene has no key 'colour'; expected one of base, title, image"),
        (dict(labels="a.tif"), r"give scene=dict\(image=…\) for a scene of your own, or base="),
        (None, r"scene=None given, expected one of indian_pines, .* or dict\(image=…\)"),
    ],
)
def test_lookup_says_what_is_wrong(scene, message):
    with pytest.raises(ConfigError, match=message):
        scene_info(scene)


@pytest.mark.parametrize(
    ("name", "file"),
    [("indian_pines", "Indian_pines_gt"), ("pavia_university", "PaviaU_gt"), ("salinas", "Salinas_gt")],
)
def test_classic_ground_truth_has_the_declared_ids(shared_data, name, file):
    info = CATALOGUE[name]
    assert info.labels.endswith(f"/{file}.mat")
    labels = read_label_map(shared_data / "classic_gt" / f"{file}.mat", key=info.labels_key)
    assert labels.shape == info.shape[:2]
    ids, counts = np.unique(labels, return_counts=True)
    assert ids.tolist() == [*info.ignore_ids, *info.label_ids]
    assert counts[1:].tolist() == PIXELS[name]


def test_indian_pines_wavelengths_are_the_calibration_file_less_the_removed_bands(shared_data):
    table = np.loadtxt(shared_data / "aviris" / "92AV3C.spc", skiprows=2)
    np.testing.assert_allclose(AVIRIS_1992, table[:, 0], atol=0.005)
    removed = [*range(104, 109), *range(150, 164), 220]  # 1-based, as published
    expected = np.delete(table[:, 0], np.array(removed) - 1)
    np.testing.assert_allclose(CATALOGUE["indian_pines"].wavelengths, expected, atol=0.005)


def test_salinas_a_loads_from_the_catalogue(shared_data):
    assert check_layout("salinas_a", shared_data) == []
    dataset = SceneDataset(scene="salinas_a", data_root=shared_data, subset="labeled")
    assert dataset.cube.data.shape == CATALOGUE["salinas_a"].shape
    counts = np.bincount(dataset.labels.ravel()[dataset.pixels])
    assert counts.tolist() == [391, 1343, 616, 1525, 674, 799]
    assert dataset.metainfo["classes"][1] == "Corn senesced green weeds"


def test_houston_crop_rule_gives_the_known_counts(shared_data):
    info = CATALOGUE["houston2018_crop"]
    assert check_layout("houston2018_crop", shared_data) == []
    labels = read_label_map(shared_data / info.labels, key=info.labels_key)
    assert np.unique(labels).tolist() == [*info.ignore_ids, *info.label_ids]
    scale = info.label_scale
    blocks = labels.reshape(128, scale, 128, scale).transpose(0, 2, 1, 3).reshape(-1, scale**2)
    votes = np.stack([(blocks == class_id).sum(1) for class_id in range(13)], axis=1)
    kept = np.where(votes.max(1) >= info.label_majority, votes.argmax(1), 0)
    counts = {i: int((kept == i).sum()) for i in info.label_ids}
    expected = {1: 135, 2: 557, 3: 138, 5: 1427, 6: 449, 7: 546, 9: 324, 10: 171, 11: 280, 12: 1635}
    assert {i: n for i, n in counts.items() if n >= info.min_class_pixels} == expected


def test_enmap_tiles_match(shared_data):
    info = CATALOGUE["enmap_potsdam"]
    assert check_layout("enmap_potsdam", shared_data) == []
    folder = shared_data / info.image
    listed = []
    for subset in info.subsets:
        with (folder / subset.split_file).open(newline="") as file:
            listed += [(row["image"], row["mask"]) for row in csv.DictReader(file)]
    assert len(listed) == len(set(listed)) == 18
    seen = set()
    for image, mask in listed:
        with open_cube(folder / image) as reader:
            assert reader.info.shape == info.shape
            assert np.flatnonzero(~reader.info.good_bands).tolist() == list(info.bad_bands)
        seen |= set(np.unique(read_label_map(folder / mask)).tolist())
    assert seen == {*info.ignore_ids, *info.label_ids}


def test_abu_scenes_match(shared_data):
    info = CATALOGUE["abu"]
    assert check_layout("abu", shared_data) == []
    assert {scene.image for scene in info.corpus} == {
        f"abu/{path.name}" for path in (shared_data / "abu").glob("*.mat")
    }


def test_layout_names_missing_and_wrong_files(tmp_path):
    assert [problem.endswith(": missing") for problem in check_layout("houston2018_crop", tmp_path)] == [True]
    (tmp_path / "salinas_a").mkdir()
    scipy.io.savemat(tmp_path / "salinas_a/SalinasA_corrected.mat", {"salinasA_corrected": np.zeros((83, 86, 224))})
    scipy.io.savemat(tmp_path / "salinas_a/SalinasA_gt.mat", {"salinasA_gt": np.zeros((86, 83))})
    cube, labels = check_layout("salinas_a", tmp_path)
    assert cube.endswith("SalinasA_corrected.mat: is 83 x 86 x 224, expected 83 x 86 x 204")
    assert labels.endswith("SalinasA_gt.mat: is 86 x 83, expected 83 x 86")
    (tmp_path / "salinas_a/SalinasA_gt.mat").write_bytes(b"<html>")
    assert "not a" in check_layout("salinas_a", tmp_path)[1]


def test_layout_accepts_a_band_stored_with_two_axes_and_wants_the_split(tmp_path, monkeypatch):
    small = replace(CATALOGUE["houston2018"], shape=(6, 8, 50), second_shape=(6, 8, 1))
    monkeypatch.setitem(CATALOGUE, "houston2018", small)
    folder = tmp_path / "Houston2018"
    folder.mkdir()
    scipy.io.savemat(folder / "houston_hsi.mat", {"houston_hsi": np.zeros((6, 8, 50), np.uint16)})
    scipy.io.savemat(folder / "houston_lidar.mat", {"houston_lidar": np.zeros((6, 8), np.float32)})
    scipy.io.savemat(folder / "houston_gt.mat", {"houston_gt": np.zeros((6, 8), np.uint8)})
    assert check_layout("houston2018", tmp_path) == [f"{folder / 'houston_index.mat'}: missing, the published split"]


def test_layout_counts_tiles(tmp_path):
    folder = tmp_path / "whu_ohs/tr/image"
    folder.mkdir(parents=True)
    write_geotiff(folder / "S1_0001.tif", np.zeros((8, 8, 32), np.int16))
    problems = check_layout("whu_ohs", tmp_path)
    assert problems[0].endswith("tr/label/S1_0001.tif: missing, of subset train")
    assert "subset train has 1 tiles, 4822 are published" in problems[1]
    assert problems[2].endswith("S1_0001.tif: is 8 x 8 x 32, expected 512 x 512 x 32")
    assert problems[3].endswith("val/image: no such folder of images, of subset val")


@pytest.mark.parametrize("names", [["a", "b", "a"], ["a\x1b", "a\\x1b", "c"], ["a", " ", "c"]])
def test_classes_whose_names_are_one_or_none_are_refused(names):
    """As they are printed: reports go by names."""
    with pytest.raises(ConfigError, match="each class needs a name of its own"):
        SceneInfo(title="field", image="cube.tif", classes=names, label_ids=[1, 2, 3])
