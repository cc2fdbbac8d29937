"""What is done with a hostile file: every way by which a user's file comes into the package."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from scene_models import META, PIXEL_CONV
from scripts import load_script

from mmhsi.cli.command import run
from mmhsi.datasets import CorpusDataset, FileSplit, MapSplit, PairSplit, SceneDataset, TileDataset
from mmhsi.errors import MMHSIError
from mmhsi.io import HSICube, open_cube, read_class_map, read_label_map, write_cube
from mmhsi.registry import MODELS

HEIGHT, WIDTH, BANDS = 12, 14, 5
CLASSES = ["a", "b", "c"]
LABELS = (np.arange(HEIGHT * WIDTH) % 4).reshape(HEIGHT, WIDTH)
"""Class numbers of the scene that label maps and splits are for, 0 where there is none."""
CUBE = (np.arange(HEIGHT * WIDTH * BANDS).reshape(HEIGHT, WIDTH, BANDS) * 7 % 1009).astype(np.int16)
"""The scene."""
MODEL_META = {**META, "window": [3, 3], "wavelengths": [450.0, 550.0, 650.0, 850.0]}
_LABELLED = dict(classes=CLASSES, label_ids=[1, 2, 3])
_LOAD_CUBE, _LOAD_LABELS, _PACK = (dict(type=f"mmhsi.{name}") for name in ("LoadCube", "LoadLabels", "PackTile"))

Entry = Callable[[Path, str | None], object]


def cube(path: Path, key: str | None) -> object:
    """The last pixel, then everything."""
    with open_cube(path, key) as reader:
        height, width, _ = reader.info.shape
        pixel = reader.read((height - 1, width - 1, 1, 1))
        whole = reader.read()
    np.testing.assert_array_equal(pixel.data[0, 0], whole.data[-1, -1])
    return "x".join(map(str, whole.data.shape))


def pixel(path: Path, key: str | None) -> object:
    """The last pixel alone, of files that are too large to be read."""
    with open_cube(path, key) as reader:
        height, width, _ = reader.info.shape
        reader.read((height - 1, width - 1, 1, 1))
    return "x".join(map(str, reader.info.shape))


def vanished(path: Path, key: str | None) -> object:
    """A file that is gone when a reader that was used before needs it again."""
    with open_cube(path, key) as reader:
        reader.read((0, 0, 1, 1))
    path.unlink()
    return reader.read().data.shape


def label_map(path: Path, key: str | None) -> object:
    return f"{read_label_map(path, key).max()} at most"


def class_map(path: Path, key: str | None) -> object:
    return read_class_map(path).names


def scene(path: Path, key: str | None) -> object:
    dataset = SceneDataset(dict(image=str(path), image_key=key), subset="all", window=1)
    assert np.isfinite(dataset.band_statistics().std).all()
    return f"{len(dataset)} pixels, {dataset[0]['window'].dtype}"


def labels(path: Path, key: str | None) -> object:
    image = _good_scene(path)
    described = dict(image=str(image), labels=str(path), labels_key=key, **_LABELLED)
    dataset = SceneDataset(described, subset="labeled")
    return dataset.label_counts().tolist()


def second(path: Path, key: str | None) -> object:
    described = dict(image=str(_good_scene(path)), second_image=str(path), second_key=key, second_scale=1)
    dataset = SceneDataset(described, subset="all", window=1, use_second=True)
    return dataset.second_statistics().mean.shape


def tiles(path: Path, key: str | None) -> object:
    dataset = TileDataset(dict(image=str(path), image_key=key), with_labels=False, pipeline=[_LOAD_CUBE, _PACK])
    dataset.band_statistics()
    return tuple(dataset[0]["inputs"].shape)


def listed_tiles(path: Path, key: str | None) -> object:
    options = dict(data_root=str(path.parent), split_file=path.name)
    dataset = TileDataset(_LABELLED, **options, pipeline=[_LOAD_CUBE, _LOAD_LABELS, _PACK])
    return [tuple(dataset[index]["inputs"].shape) for index in range(len(dataset))]


def corpus(path: Path, key: str | None) -> object:
    options = dict(image_dir=str(path.parent), suffixes=[path.suffix.lower()], samples_per_scene=1)
    dataset = CorpusDataset(**options, image_key=key, pipeline=[_LOAD_CUBE, _PACK])
    dataset.band_statistics()
    return tuple(dataset[0]["inputs"].shape)


def split_file(path: Path, key: str | None) -> object:
    return FileSplit(str(path))(np.where(LABELS, LABELS - 1, 255), CLASSES).train.shape


def split_maps(path: Path, key: str | None) -> object:
    return MapSplit(str(path), str(path))(np.where(LABELS, LABELS - 1, 255), CLASSES).train.shape


def split_pairs(path: Path, key: str | None) -> object:
    return PairSplit(str(path), "train", "test")(np.where(LABELS, LABELS - 1, 255), CLASSES).train.shape


def predict(path: Path, key: str | None) -> object:
    return _predict(path, path, *([] if key is None else ["--key", key]))


def predict_matched(path: Path, key: str | None) -> object:
    """As :func:`predict`, the bands resampled to the wavelengths of the training."""
    return _predict(path, path, "--match-wavelengths")


def predict_checkpoint(path: Path, key: str | None) -> object:
    return _predict(path, _good_scene(path), checkpoint=path)


def predict_labels(path: Path, key: str | None) -> object:
    """As :func:`predict`, the hostile file being the label map of the picture."""
    return _predict(path, _good_scene(path), "--labels", str(path), picture=True)


def _predict(path: Path, scene: Path, *options: str, checkpoint: Path | None = None, picture: bool = False) -> object:
    """tools/predict.py gives a map and status 0; or status 2, one line on stderr and nothing on disk."""
    out = Path(tempfile.mkdtemp(dir=path.parent, prefix="out"))
    own = write_model(path.parent / "good.pth")
    words = [checkpoint or own, scene, "--out", out / "map.tif", *options, *(["--png", out / "map.png"] * picture)]
    sys.argv = ["predict.py", *map(str, [own.with_suffix(".py"), *words])]
    said, status = io.StringIO(), 0
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            run(TOOL.main)
        except SystemExit as stop:
            status = stop.code
    lines = [line for line in said.getvalue().splitlines() if not line.startswith("warning: ")]
    left = sorted(file.name for file in out.iterdir())
    assert status in (0, 2), f"exit status {status}: {lines}"
    if status == 0:
        assert not lines, lines
        assert "map.tif" in left, left
        assert not any(name.endswith((".partial", ".tmp")) for name in left), left
        return "map"
    # Of label maps the ids are looked at when the map is there.
    assert set(left) <= ({"map.tif", "map.tif.aux.xml", "map.qml", "map.stac.json"} if picture else set()), left
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: "), lines
    raise MMHSIError(lines[0].removeprefix("error: "))


def _good_scene(path: Path) -> Path:
    """A scene to go with a file that is not one."""
    image = path.parent / "good" / "scene.tif"
    if not image.exists():
        write_cube(image, HSICube(CUBE))
    return image


def write_model(checkpoint: Path) -> Path:
    """A checkpoint of a pixel classifier of 5 bands, and beside it the config."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        state = MODELS.build(PIXEL_CONV).state_dict()
    Config(dict(model=PIXEL_CONV)).dump(checkpoint.with_suffix(".py"))
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=MODEL_META)), checkpoint)
    return checkpoint


TOOL = load_script("tools/predict.py")
SCENE_ENTRIES = ("cube", "scene", "tiles", "corpus", "predict")
ENTRIES: dict[str, Entry] = {
    entry.__name__: entry
    for entry in (
        *(cube, pixel, vanished, label_map, class_map, scene, labels, second, tiles, listed_tiles, corpus),
        *(split_file, split_maps, split_pairs, predict, predict_matched, predict_checkpoint, predict_labels),
    )
}
"""By name; each takes a file and the variable that is meant."""
