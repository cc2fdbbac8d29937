"""The tile dataset, from generated GeoTIFF pairs."""

import numpy as np
import pytest
import scipy.io
import torch
from cube_files import write_mat73
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate

from mmhsi.datasets import SceneInfo, SeededIndex, TileDataset, TileSplit
from mmhsi.datasets.transforms import LoadCube, PackTile, ScaleReflectance
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_class_map, write_cube
from mmhsi.registry import MODELS

PIPELINE = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="RandomDihedral"), dict(type="PackTile")]
PLAIN = PIPELINE[:2] + PIPELINE[3:]


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
    scene = dict(classes=["a", "b"], label_ids=[1, 2])
    return TileDataset(**{**dict(scene=scene, data_root=str(root), split_file="all.csv", pipeline=PIPELINE), **kwargs})


def test_bands_labels_and_nodata(tiles):
    data = dataset(tiles)
    assert data.spec.bands == (0, 1, 2, 4)
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


def test_what_changes_values_is_kept_for_maps(tiles):
    steps = [dict(type="ScaleReflectance"), dict(type="RandomDihedral"), dict(type="SelectBands", indices=[0, 2])]
    data = dataset(tiles, pipeline=[dict(type="LoadCube"), *steps, dict(type="PackTile")], with_labels=False)
    assert data.spec.transforms == (steps[0], steps[2])
    assert len(data.band_statistics().mean) == 2


def test_folders_in_place_of_a_csv(tiles):
    by_folder = dataset(tiles, split_file=None, image_dir="images", label_dir="labels")
    assert [by_folder.get_data_info(i)["seg_map_path"][-5:] for i in range(3)] == ["0.tif", "1.tif", "2.tif"]


def test_windows_and_turned_copies(tiles):
    whole, cut = dataset(tiles, pipeline=PLAIN), dataset(tiles, pipeline=PLAIN, window=(4, 3), turns=(0, 1, 3))
    assert len(cut) == 3 * (2 * 2) * 3  # the last two columns fill no window
    assert cut.spec.window == (4, 3)
    for index in range(len(cut)):
        file, rest = divmod(index, 12)
        place, copy = divmod(rest, 3)
        row, column = 4 * (place // 2), 3 * (place % 2)
        for key in ("inputs", "valid"):
            expected = whole[file][key][..., row : row + 4, column : column + 3].rot90((0, 1, 3)[copy], (-2, -1))
            assert torch.equal(cut[index][key], expected)
        labels = whole[file]["data_samples"].gt_sem_seg.data[..., row : row + 4, column : column + 3]
        turned = labels.rot90((0, 1, 3)[copy], (-2, -1))
        assert torch.equal(cut[index]["data_samples"].gt_sem_seg.data, turned)


def test_parts_share_no_window_and_keep_copies_together(tiles):
    def places(part, seed=0):
        data = dataset(tiles, window=2, turns=(0, 1), split=dict(part=part, train_share=0.75, seed=seed))
        entries = [data.get_data_info(index) for index in range(len(data))]
        return [(entry["img_path"], entry["window"], entry["turns"]) for entry in entries]

    train, test = places("train"), places("test")
    assert (len(train), len(test)) == (3 * 16 * 2 * 3 // 4, 3 * 16 * 2 // 4)
    assert not {entry[:2] for entry in train} & {entry[:2] for entry in test}
    assert places("train") == train != places("train", seed=1)


def test_descriptions_splits_and_transforms_may_be_objects(tiles):
    options = dict(window=2, with_labels=False)
    scene = SceneInfo(title="tiles", image="", classes=("a", "b"), label_ids=(1, 2), bad_bands=(0,))
    pipeline = [LoadCube(), ScaleReflectance(factor=0.5), PackTile()]
    data = dataset(tiles, scene=scene, split=TileSplit("test", seed=3), pipeline=pipeline, **options)
    plain = dict(classes=["a", "b"], label_ids=[1, 2], bad_bands=[0], title="tiles")
    steps = [dict(type="LoadCube"), dict(type="ScaleReflectance", factor=0.5), dict(type="PackTile")]
    same = dataset(tiles, scene=plain, split=dict(part="test", seed=3), pipeline=steps, **options)
    assert len(data) == len(same) == round(3 * 16 * 0.2)
    assert all(torch.equal(data[index]["inputs"], same[index]["inputs"]) for index in range(len(data)))
    for key, value in same.metainfo.items():
        assert key == "transforms" or data.metainfo[key] == value
    assert data.metainfo["bands"] == [1, 2, 4]
    assert data.metainfo["transforms"] == [dict(type="ScaleReflectance", factor=0.5, offset=0.0, clip=None)]


def test_random_windows_are_read_where_they_say(tiles):
    data = dataset(tiles, pipeline=[dict(type="RandomReadWindow", size=3), *PLAIN])
    whole = dataset(tiles, pipeline=PLAIN)
    seen = set()
    for seed in range(40):
        torch.testing.assert_close(data[SeededIndex(1, seed)]["inputs"], data[SeededIndex(1, seed)]["inputs"])
        window = data[SeededIndex(1, seed)]["inputs"]
        found = [
            (r, c)
            for r in range(6)
            for c in range(6)
            if torch.equal(whole[1]["inputs"][:, r : r + 3, c : c + 3], window)
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 15


def test_one_big_scene_with_finer_labels(tmp_path, scope):
    rng = np.random.default_rng(0)
    cube = rng.integers(0, 9000, (10, 13, 6)).astype(np.int16)
    labels = rng.integers(0, 3, (30, 39)).astype(np.uint8)
    write_mat73(tmp_path / "scene.mat", HSI=cube, gt=labels)
    files = dict(image="scene.mat", image_key="HSI", labels="scene.mat", labels_key="gt")
    names = dict(classes=["a", "b"], label_ids=[1, 2], ignore_ids=[0])
    scene = dict(**files, **names, label_scale=3, label_majority=5)
    data = dataset(tmp_path, scene=scene, split_file=None, window=5, pipeline=PLAIN)
    assert len(data) == 4
    sample = data[3]
    np.testing.assert_array_equal(sample["inputs"].numpy(), cube[5:10, 5:10].transpose(2, 0, 1))
    for row in range(5):
        for column in range(5):
            block = labels[15 + 3 * row :, 15 + 3 * column :][:3, :3]
            counts = [(block == label).sum() for label in (1, 2)]
            expected = int(np.argmax(counts)) if max(counts) >= 5 else 255
            assert sample["data_samples"].gt_sem_seg.data[0, row, column] == expected


def test_regions_are_held_apart(tiles):
    plain = dataset(tiles, pipeline=PLAIN)
    left = dataset(tiles, region=(0, 0, 8, 4), window=2, pipeline=PLAIN)
    right = dataset(tiles, region=(1, 5, 6, 3), pipeline=PLAIN)
    assert (len(left), len(right)) == (3 * 8, 3)
    for index in range(3):
        whole, part = plain[index], right[index]
        assert torch.equal(part["inputs"], whole["inputs"][:, 1:7, 5:])
        assert torch.equal(part["data_samples"].gt_sem_seg.data, whole["data_samples"].gt_sem_seg.data[:, 1:7, 5:])
    columns = {entry["window"][1] for entry in map(left.get_data_info, range(len(left)))}
    assert columns == {0, 2}
    assert "rows 1 to 6 and columns 5 to 7" in right.spec.protocol
    with pytest.raises(ConfigError, match=r"region=\(0, 5, 8, 4\) .* leaves .*0.tif, which has 8 x 8 pixels"):
        dataset(tiles, region=(0, 5, 8, 4))


def test_fine_labels_keep_their_resolution_and_predictions_are_brought_to_it(tmp_path, scope):
    rng = np.random.default_rng(0)
    cube = rng.random((6, 5, 4), dtype=np.float32)
    cube[2, 3] = np.nan
    labels = rng.integers(0, 3, (18, 15)).astype(np.uint8)
    scipy.io.savemat(tmp_path / "s.mat", dict(cube=cube, gt=labels))
    files = dict(image="s.mat", image_key="cube", labels="s.mat", labels_key="gt", label_scale=3)
    scene = dict(classes=["a", "b"], label_ids=[1, 2], **files)
    options = dict(data_root=str(tmp_path), pipeline=PLAIN, fine_labels=True)
    (sample,) = TileDataset(scene, region=(1, 2, 4, 3), **options)
    expected = np.where(labels == 0, 255, labels.astype(int) - 1)[3:15, 6:15]
    expected[3:6, 3:6] = 255  # the pixel without data
    truth = sample["data_samples"].gt_sem_seg.data
    assert truth[0].tolist() == expected.tolist()
    preprocessor = MODELS.build(dict(type="TilePreprocessor", num_bands=4, mean=[0] * 4, std=[1] * 4))
    head = dict(
        type="CNNHead", in_channels=128, num_classes=2, num_upsamples=0, loss_decode=dict(type="CrossEntropyLoss")
    )
    backbone = dict(type="HSIViT", arch="tiny", in_channels=4, img_size=4, patch_size=1)
    model = MODELS.build(
        dict(type="EncoderDecoder", backbone=backbone, decode_head=head, test_cfg=ConfigDict(mode="whole"))
    ).eval()
    (predicted,) = model(**preprocessor(pseudo_collate([sample])), mode="predict")
    assert predicted.pred_sem_seg.data.shape == truth.shape
    assert model(**preprocessor(pseudo_collate([sample])), mode="loss")["decode.loss_ce"].isfinite()


@pytest.mark.parametrize(
    "transform", [dict(type="RandomWindow", size=2), dict(type="Pad", size=9), dict(type="Resize", size=4)]
)
def test_finer_labels_are_not_cut_with_the_image(transform, tmp_path, scope):
    scipy.io.savemat(tmp_path / "s.mat", dict(cube=np.ones((6, 6, 4), np.float32), gt=np.ones((12, 12), np.uint8)))
    files = dict(image="s.mat", image_key="cube", labels="s.mat", labels_key="gt", label_scale=2)
    scene = dict(classes=["a"], label_ids=[1], **files)
    pipeline = [*PIPELINE[:2], transform, PIPELINE[3]]
    tiles = TileDataset(scene, pipeline=pipeline, data_root=str(tmp_path), fine_labels=True)
    with pytest.raises(DataError, match=r"labels of 12 x 12 beside an image of 6 x 6 cannot be cut"):
        tiles[0]


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
        (dict(split_file=None), ConfigError, r"one of scene, scene\.image, split_file and image_dir"),
        (dict(subset="train"), ConfigError, "needs scene"),
        (dict(split=dict(part="val")), ConfigError, "part='val' given, expected one of train, test"),
        (dict(split=dict(part="test", train_share=1)), ConfigError, "train_share=1 given"),
        (dict(split=dict(part="test"), window=4, stride=2), ConfigError, "overlap"),
        (dict(window=0), ConfigError, "TileDataset: window=0 given"),
        (dict(window=4, stride=-1), ConfigError, "TileDataset: stride=-1 given"),
        (dict(window=9), DataError, "window 9 x 9 exceeds its 8 x 8"),
        (dict(split_file=None, image_dir="images"), ConfigError, r"label_dir \(or scene\.labels\) is needed"),
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
    good = np.array([True, True, True, False, True])
    write_cube(tiles / "images/1.tif", HSICube(np.ones((8, 8, 5), dtype=np.float32), good_bands=good))
    write_cube(tiles / "images/2.tif", HSICube(np.ones((9, 8, 5), dtype=np.float32), good_bands=good))
    with pytest.raises(DataError, match=r"labels/2\.tif: label map of 8 . 8 pixels.*9 . 8"):
        dataset(tiles)[2]


def test_a_tile_of_another_sensor_than_the_catalogues_is_named(tmp_path, scope):
    for folder, bands in (("image", 40), ("label", 1)):
        write_cube(tmp_path / f"whu_ohs/tr/{folder}/a.tif", HSICube(np.ones((8, 8, bands), np.uint8)))
    with pytest.raises(ConfigError, match=r"wavelengths has 32 values, .*a\.tif has 40 bands"):
        TileDataset(scene="whu_ohs", subset="train", data_root=str(tmp_path), pipeline=PIPELINE)


def test_enmap_potsdam(shared_data, scope):
    data = TileDataset(scene="enmap_potsdam", subset="test", data_root=str(shared_data), pipeline=PIPELINE)
    labels = np.concatenate([data[i]["data_samples"].gt_sem_seg.data.numpy().ravel() for i in range(len(data))])
    assert np.bincount(labels[labels < 255], minlength=6).tolist() == [55, 146, 315, 124, 20, 0]
    assert len(data.spec.bands) == 218
