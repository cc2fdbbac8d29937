"""Products as some archives deliver them: a zip file in a folder, or in another zip file."""

import zipfile

import numpy as np
import product_layouts
import pytest

from mmhsi.errors import FileFormatError
from mmhsi.io import read_cube


@pytest.fixture(name="packed")
def packed_fixture(tmp_path, monkeypatch):
    """A product's folder and its zip file, alone in a folder."""
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))
    values = np.random.default_rng(0).integers(1, 5000, (8, 9, 30)).astype(np.int16)
    product = product_layouts.enmap(tmp_path, values, np.linspace(420, 2440, 30), list(range(1, 13)))
    (tmp_path / "download").mkdir()
    path = tmp_path / "download" / f"{product.name}.ZIP"
    with zipfile.ZipFile(path, "w") as archive:
        for file in product.iterdir():
            archive.write(file, f"{product.name}/{file.name}")
    return product, path


def pack(inner, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, f"ENMAP.HSI.L2A/{inner.name}")
    return path


def test_a_zip_file_alone_in_a_folder_or_a_zip_file(packed, tmp_path):
    product, path = packed
    expected = read_cube(product).data
    for given in (path, path.parent, pack(path, tmp_path / "order.zip")):
        np.testing.assert_array_equal(read_cube(given).data, expected)


def test_what_macos_adds_is_no_part(packed, tmp_path):
    """Of an HDF5 product, which is told by its content, the added files have the same ending."""
    cube = np.ones((4, 3, 5), np.uint16)
    nm = np.array([900.0, 800.0, 550.0])
    prisma = product_layouts.prisma(tmp_path / "PRS_L2D.he5", cube, cube, nm, nm + 900)
    for name, files in (("enmap.zip", list(packed[0].iterdir())), ("prisma.zip", [prisma])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for folder in ("", "__MACOSX/"):
                archive.writestr(f"{folder}.DS_Store", b"x")
                archive.writestr(f"{folder}product/.DS_Store", b"x")
            for file in files:
                archive.write(file, f"product/{file.name}")
                archive.writestr(f"__MACOSX/product/._{file.name}", b"\0\5\x16\7")
        with zipfile.ZipFile(tmp_path / name) as archive:
            archive.extractall(tmp_path / name[:-4])
        (tmp_path / name[:-4] / "product" / f"._{files[0].name}").write_bytes(b"\0\5\x16\7")  # as on a foreign disk
        expected = read_cube(files[0]).data
        for given in (tmp_path / name, tmp_path / name[:-4]):
            np.testing.assert_array_equal(read_cube(given).data, expected)


def test_it_ends(packed, tmp_path):
    inner = packed[1]
    for depth in range(4):
        inner = pack(inner, tmp_path / f"order{depth}.zip")
    with pytest.raises(FileFormatError, match="holds no product that is known"):
        read_cube(inner)
