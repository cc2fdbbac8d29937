"""What is checked before a scene is predicted, and what is said about bad input."""

import numpy as np
import pytest
import rasterio
import torch
from evil import Evil
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, CONV, META, PIXEL, PIXEL_CONV, SEGMENT_CONV, USED, VIT, pixel_model
from torch.nn.functional import pixel_unshuffle

from mmhsi.errors import ConfigError, DataError, FileFormatError
from mmhsi.inference import SceneInferencer, SceneWarning
from mmhsi.io import HSICube, read_cube, write_cube
from mmhsi.io.destinations import check_outputs
from mmhsi.models.preprocessors import pool_scene

NM = [400.0, 500.0, 600.0, 650.0, 700.0]
TRAINED = [NM[band] for band in USED]
SPECTRUM = np.array([100.0, 300.0, 200.0, 900.0, 500.0])


@pytest.fixture
def warned(recwarn):
    """The messages of doubt so far."""
    return lambda: [str(w.message) for w in recwarn if issubclass(w.category, SceneWarning)]


def write_scene(path, data, **known):
    known = {"crs": CRS.from_epsg(32633), "transform": from_origin(366000, 5800000, 30, 30), **known}
    write_cube(path, HSICube(data.astype(np.float32), **known))
    return path


def random_scene(bands=BANDS, size=(9, 12)):
    return np.random.default_rng(0).normal(500, 200, (*size, bands))


def test_band_counts(trained, scene, tmp_path, map_of):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6])
    inferencer = SceneInferencer(config, checkpoint)
    write_cube(tmp_path / "used.tif", HSICube(scene[1][:, :, USED], nodata=-9999))
    whole = map_of(inferencer, scene[0])
    with pytest.warns(SceneWarning, match="has no CRS"):
        assert (map_of(inferencer, tmp_path / "used.tif") == whole).all()
    write_cube(tmp_path / "three.tif", HSICube(scene[1][:, :, :3]))
    with pytest.raises(DataError, match=r"three\.tif: has 3 bands, the model was trained on 4 of files with 5"):
        inferencer.write_map(tmp_path / "three.tif", tmp_path / "c.tif")
    assert not list(tmp_path.glob("c.tif*"))


def test_a_scene_that_fits_raises_no_doubt(trained, tmp_path, map_of, warned):
    path = write_scene(tmp_path / "s.tif", random_scene(), wavelengths=np.array(NM) + 0.5)
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], wavelengths=TRAINED)
    map_of(SceneInferencer(config, checkpoint), path)
    assert warned() == []


def test_other_wavelengths_are_doubtful_and_can_be_matched(trained, tmp_path, map_of, warned):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], wavelengths=TRAINED)
    inferencer = SceneInferencer(config, checkpoint)
    data = random_scene()
    path = write_scene(tmp_path / "s.tif", data, wavelengths=[400, 500, 630, 650, 700])
    map_of(inferencer, path)
    assert len(warned()) == 1
    assert "1 of 4 bands lie elsewhere than in training, band 2 at 630 instead of 600 nm" in warned()[0]
    # Another number of bands, in another order; interpolated by hand to those of the training.
    at = np.array([720.0, 380.0, 540.0, 610.0])
    other = random_scene(4)
    matched = map_of(inferencer, write_scene(tmp_path / "o.tif", other, wavelengths=at), match_wavelengths=True)
    order = np.argsort(at)
    by_hand = np.apply_along_axis(lambda spectrum: np.interp(TRAINED, at[order], spectrum[order]), 2, other)
    np.testing.assert_array_equal(matched, map_of(inferencer, write_scene(tmp_path / "h.tif", by_hand)))
    assert len(warned()) == 1


def test_wavelengths_that_cannot_be_matched(trained, tmp_path):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], wavelengths=TRAINED)
    inferencer = SceneInferencer(config, checkpoint)
    unknown = write_scene(tmp_path / "u.tif", random_scene())
    with pytest.raises(DataError, match=r"u\.tif: the scene says nothing of wavelengths"):
        inferencer.write_map(unknown, tmp_path / "m.tif", match_wavelengths=True)
    short = write_scene(tmp_path / "s.tif", random_scene(3), wavelengths=[400, 450, 500])
    with pytest.raises(DataError, match="cover 400 to 500 nm, the training had one at 700 nm"):
        inferencer.write_map(short, tmp_path / "m.tif", match_wavelengths=True)
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    with pytest.raises(DataError, match="the checkpoint says nothing of wavelengths"):
        SceneInferencer(config, checkpoint).write_map(short, tmp_path / "m.tif", match_wavelengths=True)
    assert not list(tmp_path.glob("m.tif*"))


def test_a_scene_without_wavelengths_is_given_those_of_the_training(trained, tmp_path, map_of):
    """As with public .mat files, whose wavelengths the catalogue knows: transforms that need them work."""
    resample = [dict(type="SpectralResample", wavelengths=[450, 550, 600, 700])]
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], wavelengths=TRAINED, transforms=resample)
    inferencer = SceneInferencer(config, checkpoint)
    known = map_of(inferencer, write_scene(tmp_path / "k.tif", random_scene(), wavelengths=NM))
    np.testing.assert_array_equal(map_of(inferencer, write_scene(tmp_path / "u.tif", random_scene())), known)


@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV], ids=["pixel", "segment"])
@pytest.mark.parametrize("factor", [1e-4, 100.0])
def test_another_scale_is_doubtful_and_can_be_mended(trained, tmp_path, map_of, warned, model, factor):
    config, checkpoint, _ = trained(model, window=[3, 3])
    inferencer = SceneInferencer(config, checkpoint)
    expected = map_of(inferencer, write_scene(tmp_path / "s.tif", random_scene()))
    path = write_scene(tmp_path / "o.tif", random_scene() * factor)
    map_of(inferencer, path)
    assert len(warned()) == 1
    assert f"give --scale {1 / factor:g}" in warned()[0]
    assert (map_of(inferencer, path, scale=1 / factor) == expected).mean() > 0.99
    assert len(warned()) == 1


@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV], ids=["pixel", "segment"])
def test_scale_and_offset_tags_do_not_change_a_map(trained, tmp_path, warned, model):
    config, checkpoint, _ = trained(model, window=[3, 3])
    inferencer = SceneInferencer(config, checkpoint)
    data = random_scene().round()
    scenes = [write_scene(tmp_path / "s.tif", data), write_scene(tmp_path / "o.tif", (data - 1000) / 2)]
    with rasterio.open(scenes[1], "r+") as dataset:
        dataset.scales, dataset.offsets = (2.0,) * BANDS, (1000.0,) * BANDS
    found = []
    for scene in scenes:
        inferencer.write_map(scene, tmp_path / "m.tif", probabilities=tmp_path / "p.tif")
        found.append(read_cube(tmp_path / "p.tif").data)
    assert np.ptp(found[0]) > 0.01
    np.testing.assert_array_equal(found[0], found[1])
    assert warned() == []


@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV], ids=["pixel", "segment"])
def test_an_all_nodata_scene_gives_an_empty_map_and_says_so(trained, tmp_path, model):
    path = write_scene(tmp_path / "s.tif", np.full((70, 12, BANDS), -1.0), nodata=-1)
    config, checkpoint, _ = trained(model, window=[5, 5])
    outputs = dict(probabilities=tmp_path / "p.tif", uncertainty=tmp_path / "u.tif")
    with pytest.warns(SceneWarning, match=r"s\.tif: no pixel holds data"):
        SceneInferencer(config, checkpoint).write_map(path, tmp_path / "m.tif", **outputs)
    for name, nothing in (("m.tif", 255), ("p.tif", np.nan), ("u.tif", np.nan)):
        with rasterio.open(tmp_path / name) as file:
            assert np.array_equal(file.read(), np.full((file.count, 70, 12), nothing), equal_nan=True)


def test_a_scene_without_crs_works_and_is_said(trained, tmp_path, map_of):
    path = write_scene(tmp_path / "s.tif", random_scene(), crs=None, transform=None)
    config, checkpoint, _ = trained(PIXEL_CONV, window=[5, 5])
    with pytest.warns(SceneWarning, match=r"s\.tif: has no CRS, and neither will the map"):
        assert map_of(SceneInferencer(config, checkpoint), path).max() < 3


@pytest.mark.parametrize("second", ["concat", "texture"])
def test_two_sources(trained, tmp_path, map_of, second):
    extra = 2 if second == "concat" else 4
    backbone = dict(CONV, in_channels=4 + extra)
    model = pixel_model(backbone, dict(type="mmpretrain.GlobalAveragePooling"), 6, second_bands=2, second=second)
    config, checkpoint, built = trained(model, window=[6, 6], second_bands=2, second_scale=3)
    built.data_preprocessor.second_normaliser.fit(torch.tensor([10.0, 20.0]), torch.tensor([2.0, 3.0]))
    torch.save({**torch.load(checkpoint), "state_dict": built.state_dict()}, checkpoint)
    inferencer = SceneInferencer(config, checkpoint)
    first = random_scene()
    finer = np.random.default_rng(1).normal(15, 5, (27, 36, 2))
    finer[4, 7] = np.nan
    paths = [write_scene(tmp_path / "1.tif", first)]
    paths.append(write_scene(tmp_path / "2.tif", finer, transform=from_origin(366000, 5800000, 10, 10)))
    classes = map_of(inferencer, paths[0], second=paths[1])
    assert classes[1, 2] == 255
    blocks = torch.from_numpy((finer - [10, 20]) / [2, 3]).nan_to_num().float()
    pooled = pool_scene(blocks, 3, with_std=second == "texture").numpy()
    pooled[1, 2] = blocks[3:6, 6:9].numpy().mean((0, 1)).tolist() * (1 + (second == "texture"))
    cube = (first[..., USED] - 500) / 200
    cube[1, 2] = pooled[1, 2] = 0
    padded = np.pad(np.concatenate([cube, pooled], 2), ((3, 2), (3, 2), (0, 0)), mode="reflect")
    for row, column in np.ndindex(9, 12):
        if (row, column) != (1, 2):
            window = torch.from_numpy(padded[row : row + 6, column : column + 6]).permute(2, 0, 1)[None].float()
            with torch.no_grad():
                assert classes[row, column] == built(window, mode="tensor").argmax()
    for wrong, message in (
        (dict(), "takes two sources; give --second"),
        (dict(second=paths[0]), r"1\.tif: has 5 bands, the model takes 2 of a second source"),
        (dict(second=write_scene(tmp_path / "3.tif", finer[:20])), r"3\.tif: 20 x 36 pixels are 2\.222 x 3 times"),
        (dict(second=write_scene(tmp_path / "4.tif", finer, transform=from_origin(0, 0, 10, 10))), r"4\.tif: lies "),
    ):
        with pytest.raises(DataError, match=message):
            inferencer.write_map(paths[0], tmp_path / "no.tif", **wrong)
    config, checkpoint, _ = trained(PIXEL_CONV, window=[6, 6])
    with pytest.raises(DataError, match="takes one source"):
        SceneInferencer(config, checkpoint).write_map(paths[0], tmp_path / "no.tif", second=paths[1])
    assert not list(tmp_path.glob("no.tif*"))


@pytest.mark.parametrize("in_rows", [True, False])
def test_a_finer_source_is_mapped_at_its_own_resolution(trained, tmp_path, map_of, in_rows):
    """Also beyond the border, where its picture is mirrored about the middle of the cube's outer pixels."""
    cnn = dict(type="CNN2D", depth=1) if in_rows else dict(type="HSIViT", arch="tiny", patch_size=1, img_size=7)
    backbone = dict(type="TwoSources", backbone=cnn, in_channels=4 + 18, second_bands=18, second_scale=3)
    model = pixel_model(backbone, dict(type="CenterContext"), 0, second_bands=2, second="pixels")
    del model["head"]["in_channels"]
    config, checkpoint, built = trained(dict(model, tta=True), window=[7, 7], second_bands=2, second_scale=3)
    built.data_preprocessor.second_normaliser.fit(torch.tensor([10.0, 20.0]), torch.tensor([2.0, 3.0]))
    torch.save({**torch.load(checkpoint), "state_dict": built.state_dict()}, checkpoint)
    inferencer = SceneInferencer(config, checkpoint, device="cpu")
    assert inferencer.model.takes_rows((7, 7)) == in_rows
    first, finer = random_scene(), np.random.default_rng(1).normal(15, 5, (27, 36, 2))
    first[1, 2] = 500  # where it has no data else
    paths = [write_scene(tmp_path / "1.tif", first)]
    paths.append(write_scene(tmp_path / "2.tif", finer, transform=from_origin(366000, 5800000, 10, 10)))
    inferencer.write_map(paths[0], tmp_path / "map.tif", second=paths[1], probabilities=tmp_path / "p.tif")
    half = write_scene(tmp_path / "3.tif", finer[:18, :24], transform=from_origin(366000, 5800000, 15, 15))
    with pytest.raises(DataError, match=r"3\.tif: is 2 x finer than .*1\.tif, the model takes what is 3 x finer"):
        inferencer.write_map(paths[0], tmp_path / "no.tif", second=half)
    with rasterio.open(tmp_path / "p.tif") as file:
        found = file.read()
    cube = np.pad((first[..., USED] - 500) / 200, ((3, 3), (3, 3), (0, 0)), mode="reflect")
    places = [np.arange(-9, 3 * size + 9) for size in (9, 12)]
    for axis, size in zip(places, (27, 36), strict=True):
        axis[axis < 0] = 2 - axis[axis < 0]  # about 1, the middle of the first three
        axis[axis >= size] = 2 * size - 4 - axis[axis >= size]  # about size - 2
    picture = ((finer - [10, 20]) / [2, 3])[places[0][:, None], places[1]]
    for row, column in np.ndindex(9, 12):
        window = torch.from_numpy(cube[row : row + 7, column : column + 7]).permute(2, 0, 1)[None]
        fine = torch.from_numpy(picture[3 * row : 3 * row + 21, 3 * column : 3 * column + 21]).permute(2, 0, 1)[None]
        scores = []
        with torch.no_grad():
            for turns, flipped in np.ndindex(4, 2):
                turned = [x.rot90(turns, (2, 3)).flip(3) if flipped else x.rot90(turns, (2, 3)) for x in (window, fine)]
                packed = torch.cat([turned[0], pixel_unshuffle(turned[1], 3)], dim=1).float()
                scores.append(built(packed, mode="tensor").softmax(dim=1))
        np.testing.assert_allclose(found[:, row, column], torch.cat(scores).mean(dim=0), atol=2e-5)


def test_outputs_are_checked_before_work_starts(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "folder").mkdir()
    scene = tmp_path / "scene.tif"
    for outputs, message in (
        ([tmp_path / "file/map.tif"], r"map\.tif: its folder cannot be written to: "),
        (["/proc/map.tif"], r"/proc/map\.tif: its folder cannot be written to: "),
        ([tmp_path / "folder"], "folder: is a folder"),
        ([tmp_path / "a.tif", tmp_path / "x/../a.tif"], r"a\.tif: is named for two outputs"),
        ([tmp_path / "file", None, scene], r"scene\.tif: is an input, .* would be written over"),
    ):
        with pytest.raises(DataError, match=message):
            check_outputs(outputs, (scene, None))
    check_outputs([tmp_path / "new/folder/map.tif"], (scene,))
    assert not list((tmp_path / "new/folder").iterdir())


def test_checkpoints_that_cannot_be_used(trained, tmp_path):
    config, checkpoint, model = trained(PIXEL, window=[6, 6])
    other, _, _ = trained({**PIXEL, "backbone": {**VIT, "patch_size": 2}}, window=[6, 6])
    config, checkpoint, model = trained(PIXEL, window=[6, 6])
    with pytest.raises(ConfigError, match=r"model\.pth: backbone\.\S+ has shape"):
        SceneInferencer(other, checkpoint)
    torch.save(model.state_dict(), tmp_path / "bare.pth")
    with pytest.raises(ConfigError, match=r"bare\.pth: says nothing of classes"):
        SceneInferencer(config, tmp_path / "bare.pth")
    other, checkpoint, _ = trained(SEGMENT_CONV, window=[6, 6])
    with pytest.raises(ConfigError, match=r"model\.pth: (backbone|lacks)"):
        SceneInferencer(config, checkpoint)
    config, checkpoint, _ = trained(PIXEL_CONV, window=[6, 6], classes=["a", "b"], label_ids=[1, 2])
    path = write_scene(tmp_path / "s.tif", random_scene())
    with pytest.raises(ConfigError, match=r"num_classes=3, but checkpoint .* has 2 classes"):
        SceneInferencer(config, checkpoint).write_map(path, tmp_path / "m.tif")
    assert not list(tmp_path.glob("m.tif*"))


def test_a_checkpoint_with_code_in_it_is_refused(trained, tmp_path):
    config, _, model = trained(PIXEL_CONV, window=[6, 6])
    meta = dict(dataset_meta=META, hook=Evil(tmp_path / "ran"))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / "evil.pth")
    with pytest.raises(FileFormatError, match=r"evil\.pth: not weights and plain data alone \(io\.open\)"):
        SceneInferencer(config, tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(stride=7), "stride 7 given, expected 1 to the window's 6 pixels"),
        (dict(stride=0), "stride 0 given"),
        (dict(window=0), "window 0 given"),
        (dict(batch_size=0), "batch_size=0 given"),
        (dict(device="abacus"), "device 'abacus' cannot be used"),
        (dict(device="cuda:99"), "device 'cuda:99' cannot be used"),
    ],
)
def test_options_that_cannot_work(trained, options, message):
    config, checkpoint, _ = trained(SEGMENT_CONV, window=[6, 6])
    with pytest.raises(ConfigError, match=message):
        SceneInferencer(config, checkpoint, **options)


def test_transforms_of_whole_images_are_refused(trained, scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[6, 6], transforms=[dict(type="MinMaxScale")])
    with pytest.raises(
        ConfigError, match=r"checkpoint .*model\.pth: MinMaxScale \(scope 'image'\) depends on all pixels"
    ):
        SceneInferencer(config, checkpoint).write_map(scene[0], tmp_path / "d.tif")
    assert not list(tmp_path.glob("d.tif*"))
