import json
import sys
import textwrap
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from cube_files import PLACE
from processes import run_command
from rasterio.enums import ColorInterp

from mmhsi.errors import DataError
from mmhsi.io import ClassMapWriter, read_class_map, read_label_map, write_class_map

NAMES = ["unlabelled", "Broccoli <green> & weeds", "Göttingen", "soil"]
PALETTE = [(0, 0, 0), (255, 0, 0), (12, 200, 7), (1, 2, 3)]
LEGEND = {"class_names": NAMES, "palette": PALETTE}
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def classes():
    return np.random.default_rng(0).integers(0, 4, (600, 300))


def test_what_other_programs_see(tmp_path, classes):
    path = tmp_path / "a" / "b" / "map.tif"
    write_class_map(path, classes, **LEGEND, nodata=255, **PLACE)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), classes)
        assert dataset.dtypes == ("uint8",)
        assert dict(crs=dataset.crs, transform=dataset.transform) == PLACE
        assert dataset.nodata == 255
        assert dataset.profile["tiled"]
        assert dataset.profile["compress"] == "deflate"
        assert dataset.colorinterp == (ColorInterp.palette,)
        assert dataset.descriptions == ("class",)
        assert json.loads(dataset.tags()["class_names"]) == NAMES
        colours = dataset.colormap(1)
        rasterio.shutil.copy(dataset, tmp_path / "copy.vrt", driver="VRT")
    assert [colours[number][:3] for number in range(4)] == PALETTE
    # rasterio does not show category names; a VRT lists what GDAL knows of them
    listing = (tmp_path / "copy.vrt").read_text(encoding="utf-8")
    names = ["unlabelled", "Broccoli &lt;green&gt; &amp; weeds", "Göttingen", "soil"]
    assert [line.strip() for line in listing.splitlines() if "<Category>" in line] == [
        f"<Category>{name}</Category>" for name in names
    ]
    assert sorted(file.name for file in path.parent.iterdir()) == ["map.qml", "map.tif", "map.tif.aux.xml"]


def test_a_style_of_somebody_else_stays(tmp_path, classes):
    style = tmp_path / "map.qml"
    of_qgis = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis/>\n"
    style.write_text(of_qgis)
    write_class_map(tmp_path / "map.tif", classes, **LEGEND)
    assert style.read_text() == of_qgis
    style.unlink()
    write_class_map(tmp_path / "map.tif", classes, **LEGEND)
    write_class_map(tmp_path / "map.tif", classes, class_names=[*"abcd"], palette=PALETTE)
    assert 'label="a"' in style.read_text()  # its own is one of the new map


def test_read_back_as_labels(tmp_path, classes):
    classes[3, 4] = 255
    write_class_map(tmp_path / "map.tif", classes, **LEGEND, nodata=255)
    expected = np.where(classes == 255, -1, classes)
    np.testing.assert_array_equal(read_label_map(tmp_path / "map.tif", fill=-1), expected)


def test_no_warning_without_a_transform(tmp_path, classes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_class_map(tmp_path / "map.tif", classes, **LEGEND)


@pytest.mark.parametrize("rows", [1, 100, 256, 599])
def test_rows_in_bands(tmp_path, classes, rows):
    path = tmp_path / "map.tif"
    with ClassMapWriter(path, classes.shape, **LEGEND) as writer:
        for row in reversed(range(0, 600, rows)):
            writer.write_rows(row, classes[row : row + rows])
            assert not path.exists()
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), classes)


@pytest.mark.parametrize(("count", "dtype"), [(255, "uint8"), (256, "uint16"), (300, "uint16")])
def test_number_of_classes(tmp_path, count, dtype):
    classes = np.arange(count).reshape(1, count)
    names = [f"class {number}" for number in range(count)]
    palette = [(number % 256, number // 256, 9) for number in range(count)]
    write_class_map(tmp_path / "map.tif", classes, class_names=names, palette=palette)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.dtypes == (dtype,)
        np.testing.assert_array_equal(dataset.read(1), classes)
        assert json.loads(dataset.tags()["class_names"]) == names
        if dtype == "uint8":
            assert dataset.colormap(1)[254][:3] == (254, 0, 9)
        else:
            with pytest.raises(ValueError, match="color table"):
                dataset.colormap(1)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_interruption_leaves_nothing(tmp_path, classes, error):
    path = tmp_path / "map.tif"

    def write():
        with ClassMapWriter(path, classes.shape, **LEGEND) as writer:
            writer.write_rows(0, classes[:256])
            assert len(list(tmp_path.iterdir())) == 1  # the temporary file is there
            raise error

    with pytest.raises(error):
        write()
    assert list(tmp_path.iterdir()) == []


def test_interruption_leaves_the_earlier_map(tmp_path, classes):
    path = tmp_path / "map.tif"
    write_class_map(path, classes, **LEGEND)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RuntimeError), ClassMapWriter(path, (5, 5), **LEGEND):
        raise RuntimeError
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_missing_rows_leave_nothing(tmp_path, classes, refused):
    path = tmp_path / "map.tif"

    def write():
        with ClassMapWriter(path, classes.shape, **LEGEND) as writer:
            writer.write_rows(0, classes[:256])
            writer.write_rows(300, classes[300:])

    refused(write, DataError, path, "44 of 600 rows", "the first is 256")
    assert list(tmp_path.iterdir()) == []


def test_number_without_a_name_leaves_nothing(tmp_path, classes, refused):
    path = tmp_path / "map.tif"
    classes[301, 7] = 4

    def write():
        with ClassMapWriter(path, classes.shape, **LEGEND, nodata=255) as writer:
            writer.write_rows(0, classes[:300])
            writer.write_rows(300, classes[300:])

    refused(write, DataError, path, "class 4", "row 301, column 7", "0 to 3 or nodata 255")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row0", "block"),
    [
        (0, np.zeros((2, 4), int)),
        (4, np.zeros((2, 5), int)),
        (-1, np.zeros((2, 5), int)),
        (0, np.zeros(5, int)),
        (0, np.zeros((2, 5))),
        (0, np.full((2, 5), -1)),
    ],
)
def test_blocks_that_do_not_fit(tmp_path, refused, row0, block):
    path = tmp_path / "map.tif"

    def write():
        with ClassMapWriter(path, (5, 5), **LEGEND) as writer:
            writer.write_rows(row0, block)

    refused(write, DataError, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"palette": PALETTE[:3]}, "3 colours for 4 class names"),
        ({"palette": [*PALETTE[:3], (0, 0, 256)]}, "(0, 0, 256)"),
        ({"palette": [*PALETTE[:3], (0, 0)]}, "(0, 0)"),
        ({"class_names": [], "palette": []}, "0 class names"),
        ({"nodata": 256}, "nodata 256"),
        ({"nodata": -1}, "nodata -1"),
    ],
)
def test_arguments_that_do_not_fit(tmp_path, classes, refused, changes, word):
    path = tmp_path / "map.tif"
    refused(lambda: write_class_map(path, classes, **{**LEGEND, **changes}), DataError, path, word)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made(tmp_path, classes, refused):
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "map.tif"
    refused(lambda: write_class_map(path, classes, **LEGEND), DataError, path, "cannot write")


def test_name_of_a_folder(tmp_path, classes, refused):
    path = tmp_path / "map.tif"
    path.mkdir()
    refused(lambda: write_class_map(path, classes, **LEGEND), DataError, path, "cannot write", "folder")
    assert list(path.iterdir()) == []


def test_rows_outside_a_with_statement(tmp_path, classes, refused):
    path = tmp_path / "map.tif"
    writer = ClassMapWriter(path, classes.shape, **LEGEND)
    refused(lambda: writer.write_rows(0, classes), DataError, path, "with statement")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("size", [(400, 500), (200, 200), (140, 150)], ids=["at once", "at the end", "just short"])
def test_full_disk_leaves_nothing(tmp_path, size):
    script = textwrap.dedent(f"""
        import resource
        import numpy as np
        from mmhsi.errors import DataError
        from mmhsi.io import write_class_map
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        noise = np.random.default_rng(0).integers(0, 250, {size})
        names = [str(number) for number in range(250)]
        try:
            write_class_map({str(tmp_path / "map.tif")!r}, noise, class_names=names, palette=[(0, 0, 0)] * 250)
        except DataError as error:
            print(error)
    """)
    done = run_command([sys.executable, "-c", script])
    assert done.stdout.startswith(f"{tmp_path / 'map.tif'}: cannot write")
    assert done.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_names_with_control_characters_give_files_that_can_be_read(tmp_path):
    write_class_map(tmp_path / "map.tif", np.zeros((2, 2), int), class_names=["a\x1b[31m\nb"], palette=[(0, 0, 0)])
    assert read_class_map(tmp_path / "map.tif").names == ["a\\x1b[31m\\nb"]
    for path in (tmp_path / "map.tif.aux.xml", tmp_path / "map.qml"):
        ElementTree.parse(path)
