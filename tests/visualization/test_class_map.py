import sys

import numpy as np
import pytest
from PIL import Image
from processes import run_command

from mmhsi.errors import ConfigError, DataError
from mmhsi.visualization import colourise, default_palette, save_map_figure, save_png
from mmhsi.visualization.map_figure import legend_entries, map_panels

PALETTE = [(10, 20, 30), (200, 0, 0), (0, 150, 255)]


def random_map(height: int, width: int, classes: int = 3) -> np.ndarray:
    ids = np.random.default_rng(0).integers(0, classes + 1, size=(height, width))
    return np.where(ids == classes, 255, ids)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("ignore_index", [255, 1])
def test_colours_equal_a_slow_loop(dtype, ignore_index):
    class_map = random_map(6, 5).astype(dtype)
    if ignore_index != 255:
        class_map[class_map == 255] = 2
    picture = colourise(class_map, PALETTE, ignore_index)
    assert (picture.shape, picture.dtype) == ((6, 5, 3), np.uint8)
    for row, col in np.ndindex(6, 5):
        label = int(class_map[row, col])
        assert tuple(picture[row, col]) == ((0, 0, 0) if label == ignore_index else PALETTE[label])


def test_many_classes_in_a_byte_map():
    palette = default_palette(300)
    class_map = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = colourise(class_map, palette, ignore_index=-1).reshape(-1, 3)
    assert [tuple(rgb) for rgb in picture.tolist()] == palette[:256]


@pytest.mark.parametrize("label", [-1, 3, 254])
def test_an_id_without_colour_is_refused(label):
    with pytest.raises(DataError, match=f"class id {label} "):
        colourise(np.array([[0, label]]), PALETTE)


@pytest.mark.parametrize("class_map", [np.zeros((2, 2)), np.zeros((2, 2, 1), dtype=int)])
def test_what_is_no_class_map_is_refused(class_map):
    with pytest.raises(DataError, match="integers"):
        colourise(class_map, PALETTE)


def test_png_holds_the_pixels(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, size=(13, 7, 3), dtype=np.uint8)
    path = save_png(tmp_path / "deep" / "map.png", picture[:, ::-1])
    with Image.open(path) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), picture[:, ::-1])
    assert [entry.name for entry in path.parent.iterdir()] == ["map.png"]


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(DataError, match=r"map\.png: cannot write: disk full"):
        save_png(path, np.zeros((2, 2, 3), dtype=np.uint8))
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("map.png", b"old")]


def test_png_refuses_other_suffixes_and_types(tmp_path):
    with pytest.raises(ConfigError, match="png"):
        save_png(tmp_path / "map.tif", np.zeros((2, 2, 3), dtype=np.uint8))
    with pytest.raises(DataError, match="uint8"):
        save_png(tmp_path / "map.png", np.zeros((2, 2, 3)))


def colours_in(path) -> set[tuple[int, ...]]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return set(map(tuple, np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0).tolist()))


@pytest.mark.parametrize(("height", "width"), [(24, 30), (300, 100), (40, 400), (1, 90)])
@pytest.mark.parametrize("with_truth", [True, False])
def test_figure_is_a_png_of_sensible_size(tmp_path, height, width, with_truth):
    class_map = random_map(height, width)
    path = save_map_figure(
        tmp_path / "figure.png",
        false_colour=np.full((height, width, 3), 77, dtype=np.uint8),
        class_map=class_map,
        class_names=["water", "bare soil", "Buildings-Grass-Trees-Drives"],
        palette=PALETTE,
        ground_truth=class_map if with_truth else None,
        title="A scene",
    )
    with Image.open(path) as image:
        assert 400 < image.width < 2400
        assert 150 < image.height < 2400
    assert [entry.name for entry in tmp_path.iterdir()] == ["figure.png"]
    seen = {*PALETTE, (77, 77, 77), (0, 0, 0)} if with_truth else {*PALETTE, (77, 77, 77)}
    assert seen <= colours_in(path)


def test_figure_panels_are_of_one_size_and_pixels_are_not_blended(tmp_path):
    class_map = np.array([[0, 1], [1, 0]])
    path = save_map_figure(
        tmp_path / "figure.png",
        false_colour=np.full((2, 2, 3), (1, 2, 3), dtype=np.uint8),
        class_map=class_map,
        class_names=["a", "b"],
        palette=[(250, 10, 10), (10, 250, 10)],
        ground_truth=1 - class_map,
    )
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    # Each class fills half of the map and half of the truth, the false colour one panel; the legend adds a little.
    areas = [int((pixels == colour).all(2).sum()) for colour in ((1, 2, 3), (250, 10, 10), (10, 250, 10))]
    assert max(areas) - min(areas) < 0.01 * min(areas)
    assert min(areas) > 500**2


def test_legend_names_only_what_occurs(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    named = []
    legend = Figure.legend

    def watched(self, *args, **kwargs):
        named.append([handle.get_label() for handle in kwargs["handles"]])
        return legend(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "legend", watched)
    arguments = {
        "false_colour": np.zeros((4, 4, 3), dtype=np.uint8),
        "class_map": np.full((4, 4), 2),
        "class_names": ["a", "b", "c", "d"],
    }
    save_map_figure(tmp_path / "figure.png", **arguments)
    assert named[-1] == ["c"]
    truth = np.full((4, 4), 255)
    truth[0, 0] = 0
    save_map_figure(tmp_path / "figure.png", **arguments, ground_truth=truth)
    assert named[-1] == ["c", "a", "no label", "right", "wrong"]
    arguments["class_map"][0, 1] = 255
    save_map_figure(tmp_path / "figure.png", **arguments)
    assert named[-1] == ["c", "no data"]


def test_no_data_is_white_and_no_label_black():
    ids, palette = np.array([[0, 255]]), [(10, 200, 10)]
    assert legend_entries(ids, None, ["a"], palette) == [("a", palette[0]), ("no data", (255, 255, 255))]
    assert legend_entries(None, ids, ["a"], palette) == [("a", palette[0]), ("no label", (0, 0, 0))]
    panels = {
        caption: rgb[0].tolist() for caption, rgb, _ in map_panels(np.zeros((1, 2, 3), np.uint8), ids, palette, ids)
    }
    assert panels["Classification"][1] == panels["Errors"][1] == [255, 255, 255]
    assert panels["Ground truth"][1] == [0, 0, 0]


def test_figure_refuses_what_does_not_fit(tmp_path):
    arguments = {
        "false_colour": np.zeros((4, 4, 3), dtype=np.uint8),
        "class_map": np.zeros((4, 4), dtype=int),
        "class_names": ["a", "b", "c"],
        "palette": PALETTE,
    }
    path = tmp_path / "figure.png"
    with pytest.raises(ConfigError, match="colours"):
        save_map_figure(path, **arguments | {"palette": PALETTE[:2]})
    with pytest.raises(DataError, match="false colour"):
        save_map_figure(path, **arguments | {"false_colour": np.zeros((4, 5, 3), dtype=np.uint8)})
    with pytest.raises(DataError, match="ground truth"):
        save_map_figure(path, **arguments, ground_truth=np.zeros((5, 4), dtype=int))
    with pytest.raises(DataError, match="integers"):
        save_map_figure(path, **arguments | {"class_map": np.zeros((1, 4, 4), dtype=int)})
    with pytest.raises(DataError, match="class id 7"):
        save_map_figure(path, **arguments | {"class_map": np.full((4, 4), 7)})
    with pytest.raises(ConfigError, match="png"):
        save_map_figure(tmp_path / "figure.pdf", **arguments)
    assert not list(tmp_path.iterdir())


def test_importing_is_light_and_drawing_leaves_pyplot_alone(tmp_path):
    code = f"""
import sys
import numpy as np
from mmhsi.visualization import save_map_figure
assert "matplotlib" not in sys.modules
picture = np.zeros((3, 3, 3), dtype=np.uint8)
save_map_figure({str(tmp_path / "f.png")!r}, false_colour=picture, class_map=picture[..., 0], class_names=["a"])
assert "matplotlib.pyplot" not in sys.modules
"""
    done = run_command([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
