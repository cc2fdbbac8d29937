"""Counts do not stand in for reflectance, nor reflectance for counts: the model remembers what it was trained on."""

import numpy as np
import pytest
import rasterio
from cube_files import write_envi, write_geotiff
from scene_models import BANDS, PIXEL_CONV

from mmhsi.datasets import CorpusDataset, SceneDataset, TileDataset
from mmhsi.errors import DataError
from mmhsi.inference import SceneInferencer, SceneWarning

RNG = np.random.default_rng(2)
pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.errors.DataWarning", "ignore::mmhsi.inference.SceneWarning")


def counts(bands=BANDS, size=(12, 11)):
    return RNG.integers(300, 900, (*size, bands)).astype(np.uint16)


def lab_scene(folder):
    """A raw file of Specim's with its references."""
    folder.mkdir()
    cube = counts()
    path = write_envi(folder / "leaf.raw", cube)
    write_envi(folder / "DARKREF_leaf.raw", np.full((4, *cube.shape[1:]), 100, np.uint16))
    write_envi(folder / "WHITEREF_leaf.raw", np.full((4, *cube.shape[1:]), 1100, np.uint16))
    return path.with_suffix(".hdr")


@pytest.fixture(name="scenes")
def scenes_fixture(tmp_path):
    """A scene of each origin of values."""
    found = dict(
        counts=write_geotiff(tmp_path / "counts.tif", counts()),
        floats=write_geotiff(tmp_path / "floats.tif", counts().astype(np.float32)),
        scaled=write_geotiff(tmp_path / "scaled.tif", counts()),
        referenced=lab_scene(tmp_path / "lab"),
    )
    with rasterio.open(found["scaled"], "r+") as file:
        file.scales = (0.5,) * BANDS
    return found


REFUSED = [
    ("referenced", "counts", r"name them with --white and --dark, or give --scale"),
    ("scaled", "counts", r"whole numbers without a scale, .* give --scale FACTOR"),
    ("counts", "referenced", r"trained on raw values; give --white none"),
    ("counts", "scaled", r"trained on whole numbers without one; give --scale FACTOR"),
]


@pytest.mark.parametrize("trained_on", ["", "counts", "floats", "scaled", "referenced"])
def test_what_is_refused(trained, scenes, trained_on, tmp_path):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], values=trained_on)
    inferencer = SceneInferencer(config, checkpoint)
    messages = {(there, here): message for there, here, message in REFUSED}
    for here, path in scenes.items():
        if (trained_on, here) in messages:
            with pytest.raises(DataError, match=messages[trained_on, here]):
                inferencer.write_map(path, tmp_path / "m.tif")
        given = dict(scale=1.0) if (trained_on, here) in messages else {}  # the user's own word
        with inferencer.open_scene(path, **given) as rows:
            assert rows.shape == (12, 11)


def test_the_hint_of_sizes_names_references(trained, tmp_path):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], values="referenced")
    path = write_geotiff(tmp_path / "f.tif", counts().astype(np.float32) * 100)
    with pytest.warns(SceneWarning, match=r"give --scale 0\.01, its references --white and --dark"):
        SceneInferencer(config, checkpoint).write_map(path, tmp_path / "m.tif")


def test_datasets_say_it(scenes, tmp_path):
    labels = np.zeros((12, 11), np.uint8)
    labels[:4], labels[6:] = 1, 2
    np.save(tmp_path / "labels.npy", labels)
    for origin, path in scenes.items():
        described = dict(
            title="s", image=str(path), labels=str(tmp_path / "labels.npy"), classes=["a", "b"], label_ids=[1, 2]
        )
        assert SceneDataset(described, "", subset="all").spec.values == origin
    raw = dict(described, image_options=dict(white="none"))
    spec = SceneDataset(raw, "", subset="all").spec
    assert (spec.values, spec.image_options) == ("counts", dict(white="none"))
    tiles = TileDataset(data_root=str(tmp_path / "lab"), image_dir=".", suffix=".hdr", with_labels=False)
    assert tiles.metainfo["values"] == ""  # references among the tiles are raw themselves
    assert CorpusDataset(image_dir=str(scenes["scaled"]), data_root="").spec.values == "scaled"
