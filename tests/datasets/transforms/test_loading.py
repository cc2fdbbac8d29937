"""Windows and quarter turns of what the loaders read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cube_files import write_geotiff

from mmhsi.datasets.label_table import LabelTable
from mmhsi.datasets.transforms import LoadCube, LoadLabels
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.readers.raster import RasterReader

HEIGHT, WIDTH, BANDS = 10, 13, 5


@pytest.fixture
def tile(tmp_path: Path) -> dict:
    cube = (np.arange(HEIGHT * WIDTH)[:, None] * 10 + np.arange(BANDS)).reshape(HEIGHT, WIDTH, BANDS).astype("int16")
    cube[4, 6] = -1
    labels = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1) % 4).astype("uint8")
    return dict(
        img_path=str(write_geotiff(tmp_path / "image.tif", cube, nodata=-1)),
        seg_map_path=str(write_geotiff(tmp_path / "labels.tif", labels)),
        bands=[0, 3],
        file_bands=BANDS,
        label_table=LabelTable((1, 2, 3), ("a", "b", "c")),
        cube=cube,
        raw=labels[..., 0],
    )


def load(tile: dict) -> dict:
    return LoadLabels()(LoadCube()(dict(tile)))


def slow_turn(array: np.ndarray, turns: int) -> np.ndarray:
    """Quarter turns anticlockwise, pixel by pixel."""
    for _ in range(turns % 4):
        height, width = array.shape[:2]
        out = np.empty((width, height, *array.shape[2:]), array.dtype)
        for row in range(height):
            for column in range(width):
                out[width - 1 - column, row] = array[row, column]
        array = out
    return array


@pytest.mark.parametrize("turns", [None, 0, 1, 2, 3, 5, -1])
@pytest.mark.parametrize("window", [None, (2, 3, 6, 7), (0, 0, 1, 1), (9, 12, 1, 1)])
def test_window_is_read_then_turned(tile: dict, window: tuple | None, turns: int | None) -> None:
    if window is not None:
        tile["window"] = window
    if turns is not None:
        tile["turns"] = turns
    result = load(tile)
    row, column, height, width = window or (0, 0, HEIGHT, WIDTH)
    area = np.s_[row : row + height, column : column + width]
    valid = tile["cube"][area][..., 0] != -1
    labels = np.where(valid & (tile["raw"][area] > 0), tile["raw"][area].astype(int) - 1, 255)
    np.testing.assert_array_equal(result["img"], slow_turn(tile["cube"][area][..., [0, 3]], turns or 0))
    np.testing.assert_array_equal(result["valid"], slow_turn(valid, turns or 0))
    np.testing.assert_array_equal(result["gt_seg_map"], slow_turn(labels, turns or 0))
    assert result["img"].dtype == np.int16
    assert result["gt_seg_map"].dtype == np.int64
    assert result["img_shape"] == result["ori_shape"] == result["img"].shape[:2]
    assert result["file_shape"] == (HEIGHT, WIDTH)
    assert result["seg_fields"] == ["valid", "gt_seg_map"]


def test_only_the_window_is_read(tile: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    original = RasterReader._read_block
    monkeypatch.setattr(
        RasterReader, "_read_block", lambda self, window, bands: read.append(window) or original(self, window, bands)
    )
    load({**tile, "window": (2, 3, 4, 5)})
    assert read == [(2, 3, 4, 5)] * 2


def test_window_outside_is_refused(tile: dict) -> None:
    with pytest.raises(DataError, match=r"image\.tif.*window"):
        load({**tile, "window": (5, 0, 6, 4)})


def test_turns_have_to_be_whole(tile: dict) -> None:
    with pytest.raises(DataError, match=r"image\.tif.*turns=0\.5"):
        load({**tile, "turns": 0.5})


@pytest.mark.parametrize("window", [None, (0, 0, 4, 4)])
def test_label_map_of_another_size_is_refused(tile: dict, tmp_path: Path, window: tuple | None) -> None:
    tile["seg_map_path"] = str(
        write_geotiff(tmp_path / "larger.tif", np.ones((HEIGHT + 1, WIDTH, 1), "uint8"), crs=None, transform=None)
    )
    if window is not None:
        tile["window"] = window
    with pytest.raises(DataError, match=r"larger\.tif: label map of 11 x 13 .*image\.tif has 10 x 13"):
        load(tile)


def test_band_count_of_the_file_is_checked(tile: dict) -> None:
    with pytest.raises(DataError, match=r"image\.tif: 5 bands.*6"):
        load({**tile, "file_bands": 6})


def test_what_is_kept_is_read_once_and_cannot_be_written_into(tile: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = RasterReader.read
    monkeypatch.setattr(RasterReader, "read", lambda self, **kw: reads.append(kw["window"]) or read(self, **kw))
    windows = [(0, 0, 4, 4), (3, 3, 4, 4), (0, 0, 4, 5)]
    one_window = 4 * 4 * 2 * 2 / 1e6
    loader = LoadCube(cache_mb=2 * one_window)  # the third is not kept
    for _ in range(3):
        for window in windows:
            expected = LoadCube()(dict(tile, window=window))
            found = loader(dict(tile, window=window))
            np.testing.assert_array_equal(found["img"], expected["img"])
            np.testing.assert_array_equal(found["valid"], expected["valid"])
            found["img"][:] = 0
    plain = 3 * len(windows)
    assert len(reads) - plain == 2 + 3
    with pytest.raises(ConfigError, match="cache_mb=-1 given, expected a number of at least 0"):
        LoadCube(cache_mb=-1)


def test_more_files_than_a_few_are_opened_once(tile: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    before = RasterReader._open
    monkeypatch.setattr(RasterReader, "_open", lambda self: opened.append(self) or before(self))
    content = Path(tile["img_path"]).read_bytes()
    paths = [tmp_path / f"{index}.tif" for index in range(48)]
    for path in paths:
        path.write_bytes(content)
    for _ in range(3):
        for path in paths:
            LoadCube()({**tile, "img_path": str(path)})
    assert len(opened) == len(paths)
