"""Products as they are downloaded, against the values that were written, by a reader of their own."""

import pickle
import shutil
import zipfile

import h5py
import numpy as np
import product_layouts as layouts
import pytest
import rasterio

from mmhsi.errors import ConfigError, DataError, DataWarning, FileFormatError
from mmhsi.io import open_cube

RNG = np.random.default_rng(7)
NM = np.array([450.0, 550.0, 900.0, 980.0, 930.0, 1650.0, 2200.0])
"""A VNIR detector of four bands and a SWIR detector of three, as EnMAP lists them, overlapping from 930 to 980 nm."""
ORDER = [0, 1, 2, 4, 3, 5, 6]


@pytest.fixture(name="enmap")
def enmap_fixture(tmp_path):
    values = RNG.integers(1, 9000, (6, 5, 7)).astype(np.int16)
    values[0, 0] = -32768
    clouds = np.zeros((6, 5))
    clouds[2, 3] = 1
    shadow = np.zeros((6, 5))
    shadow[4, 1] = 1
    folder = layouts.enmap(tmp_path, values, NM, [1, 2, 3, 4], layers={"CLOUD": clouds, "CLOUDSHADOW": shadow})
    return folder, values


def _zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(folder.iterdir()):
            out.write(file, f"{folder.name}/{file.name}")
    return path


def test_enmap_reads_what_rasterio_reads(enmap):
    folder, _ = enmap
    with rasterio.open(next(folder.glob("*SPECTRAL_IMAGE.TIF"))) as image:
        expected = image.read().transpose(1, 2, 0)[..., ORDER] * 0.0001  # (C, H, W) -> (H, W, C)
        crs, transform = image.crs, image.transform
    with open_cube(folder) as reader:
        cube = reader.read()
    np.testing.assert_allclose(cube.wavelengths, NM[ORDER])
    assert cube.data.dtype == np.float32
    assert np.isnan(cube.data[0, 0]).all()
    np.testing.assert_allclose(cube.data[1:], expected[1:], rtol=1e-6)
    assert (cube.crs, cube.transform) == (crs, transform)
    assert not cube.valid()[0, 0]


@pytest.mark.parametrize(("overlap", "bad"), [("longer", [980.0]), ("shorter", [930.0]), ("both", [])])
def test_one_detector_counts_where_two_overlap(enmap, overlap, bad):
    with open_cube(enmap[0], overlap=overlap) as reader:
        info = reader.info
    assert info.wavelengths[~info.good_bands].tolist() == bad


def test_any_path_to_a_product_opens_it(enmap, tmp_path, monkeypatch):
    folder, _ = enmap
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))
    with open_cube(folder) as reader:
        expected = reader.read((1, 2, 3, 2), [5, 0]).data
    paths = [*folder.iterdir(), folder.parent, _zipped(folder, tmp_path / "product.zip")]
    (tmp_path / "unpacked").mkdir()
    shutil.move(tmp_path / "product.zip", tmp_path / "unpacked")
    paths[-1] = tmp_path / "unpacked" / "product.zip"
    paths.remove(folder.parent)
    for path in paths:
        with open_cube(path) as reader:
            np.testing.assert_array_equal(reader.read((1, 2, 3, 2), [5, 0]).data, expected)


def test_quality_layers_are_a_mask_on_request(enmap):
    with open_cube(enmap[0], mask=("cloud", "shadow")) as reader:
        valid = reader.read().valid()
    invalid = np.argwhere(~valid).tolist()
    assert invalid == [[0, 0], [2, 3], [4, 1]]
    with pytest.raises(DataError, match=r"no layer to mask snow by \(it has cloud, shadow\)"):
        open_cube(enmap[0], mask=("snow",))
    with pytest.raises(ConfigError, match="mask: 'clouds' is unknown; nearest: 'cloud'"):
        open_cube(enmap[0], mask=("clouds",))


def test_products_say_when_they_were_taken(enmap, emit, tmp_path):
    paths = enmap[0], emit[0], _prisma(tmp_path / "PRS_L2D.he5")
    infos = [open_cube(path).info for path in paths]
    assert all(info.reflectance for info in infos)
    times = [info.acquired for info in infos]
    assert times == ["2022-07-24T10:45:27Z", "2022-08-14T16:12:36Z", "2019-12-15T09:24:53Z"]


def test_all_files_of_a_product_are_named(enmap):
    folder, _ = enmap
    with open_cube(folder) as reader:
        assert {file for file in reader.files if file.is_file()} == set(folder.iterdir())


def test_a_product_reader_can_be_pickled(enmap):
    with open_cube(enmap[0], mask="cloud") as reader:
        copy = pickle.loads(pickle.dumps(reader))
        np.testing.assert_array_equal(copy.read((2, 3, 1, 1)).mask, [[False]])
        copy.close()


def test_enmap_bands_without_values_are_bad(tmp_path):
    values = np.ones((2, 2, 7), np.int16)
    with open_cube(layouts.enmap(tmp_path, values, NM, [1, 2, 3, 4], empty=(5,))) as reader:
        info = reader.info
    assert info.wavelengths[~info.good_bands].tolist() == [980.0, 1650.0]


PRISMA_VNIR = np.array([960.0, 800.0, 550.0, 0.0])
PRISMA_SWIR = np.array([2200.0, 1650.0, 940.0, 0.0])


def _prisma(path, level="L2D", **layers):
    vnir, swir = (RNG.integers(1, 65535, (6, 4, 5)).astype(np.uint16) for _ in range(2))
    vnir[0, :, 0] = swir[0, :, 0] = 0
    return layouts.prisma(path, vnir, swir, PRISMA_VNIR, PRISMA_SWIR, level, **layers)


@pytest.mark.filterwarnings("ignore::mmhsi.errors.DataWarning")
@pytest.mark.parametrize("level", ["L1", "L2B", "L2C", "L2D"])
def test_prisma_joins_its_detectors(tmp_path, level):
    path = _prisma(tmp_path / f"PRS_{level}.he5", level)
    with h5py.File(path) as file:
        fields = file[f"HDFEOS/SWATHS/PRS_{level}_HCO/Data Fields"]
        vnir, swir = (fields[f"{name}_Cube"][()].transpose(0, 2, 1).astype(float) for name in ("VNIR", "SWIR"))
    if level == "L1":
        vnir, swir = vnir / 100 - 0.5, swir / 50
    else:
        vnir, swir = vnir * 1.3 / 65535 - 0.1, swir * 0.8 / 65535
    columns = [vnir[..., 2], vnir[..., 1], swir[..., 2], vnir[..., 0], swir[..., 1], swir[..., 0]]
    with open_cube(path) as reader:
        info, cube = reader.info, reader.read()
        part = reader.read((2, 1, 3, 2), [4, 0, 4])
    assert info.wavelengths.tolist() == [550, 800, 940, 960, 1650, 2200]
    assert info.reflectance == (level in ("L2C", "L2D"))
    assert info.wavelengths[~info.good_bands].tolist() == [960]
    expected = np.stack(columns, axis=-1)
    np.testing.assert_allclose(cube.data, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(part.data, expected[2:5, 1:3][..., [4, 0, 4]], rtol=1e-5, atol=1e-6)
    assert np.argwhere(~cube.valid()).tolist() == [[0, 0]]
    if level == "L2D":
        assert cube.crs.to_epsg() == 32633
        assert cube.transform == layouts.GRID
    else:
        assert cube.transform is None


def test_prisma_masks(tmp_path):
    marked = np.zeros((6, 5), bool)
    marked[3, 2] = True
    path = _prisma(tmp_path / "scene.he5", cloud=marked * 1, saturated=marked.T[::-1].T)
    with open_cube(path, mask=("cloud", "saturation")) as reader:
        valid = reader.read().valid()
    assert np.argwhere(~valid).tolist() == [[0, 0], [3, 2]]


@pytest.fixture(name="emit")
def emit_fixture(tmp_path):
    values = RNG.random((70, 80, 3)).astype(np.float32)
    height, width = 90, 130  # more than one square of the lookup
    glt = np.stack([RNG.integers(0, 81, (height, width)), RNG.integers(0, 71, (height, width))], axis=-1)
    nm = np.array([400.0, 700.0, 2000.0])
    path = layouts.emit(tmp_path / "EMIT_L2A_RFL_001.nc", values, nm, glt, np.array([1, 0, 1]), chunks=(16, 16, 3))
    mask = np.zeros((70, 80, 8))
    mask[10, 20, 0] = mask[30, 40, 4] = mask[50, 60, 1] = 1
    layouts.emit_mask(tmp_path / "EMIT_L2A_MASK_001.nc", mask)
    return path, values, glt, mask


def test_emit_is_put_onto_the_map_by_its_lookup_table(emit):
    path, values, glt, _ = emit
    expected = np.full((*glt.shape[:2], 3), np.nan)
    for row, column in np.ndindex(*glt.shape[:2]):
        x, y = glt[row, column]
        if x > 0 and y > 0:
            expected[row, column] = values[y - 1, x - 1]
    with open_cube(path) as reader:
        cube = reader.read()
        part = reader.read((60, 50, 20, 70), [2])
    found = np.where(cube.data == -9999, np.nan, cube.data)
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    np.testing.assert_array_equal(part.data[..., 0], cube.data[60:80, 50:120, 2])
    assert cube.good_bands.tolist() == [True, False, True]
    assert cube.transform[:6] == (0.00054, 0.0, 13.0, 0.0, -0.00054, 52.5)
    np.testing.assert_array_equal(cube.valid(), np.isfinite(expected).all(axis=-1))


def test_emit_as_the_sensor_saw_it_with_its_masks(emit):
    path, values, _, mask = emit
    with pytest.warns(DataWarning, match="sensor's geometry"), open_cube(path, ortho=False, mask="cloud") as reader:
        cube = reader.read()
    np.testing.assert_array_equal(cube.data, values)
    assert np.argwhere(~cube.valid()).tolist() == [[10, 20], [30, 40]]
    assert cube.transform is None
    with open_cube(path, mask=("cloud", "cirrus")) as reader:
        valid = reader.read().valid()
    _, _, glt, _ = emit
    x, y = glt[..., 0] - 1, glt[..., 1] - 1
    flags = mask[..., [0, 1, 4]].any(axis=-1)
    marked = np.array([[flags[b, a] for a, b in zip(*row, strict=True)] for row in zip(x, y, strict=True)])
    np.testing.assert_array_equal(valid, (x >= 0) & (y >= 0) & ~marked)


def test_emit_opens_from_its_folder(emit):
    with open_cube(emit[0].parent) as reader:
        assert reader.info.shape == (90, 130, 3)


def test_bad_input_is_one_line(enmap, tmp_path, monkeypatch):
    folder, values = enmap
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))

    def refused(path, match, **options):
        with pytest.raises((FileFormatError, DataError), match=match) as caught:
            open_cube(path, **options).read()
        assert "\n" not in str(caught.value)

    other = layouts.enmap(tmp_path / "l1b", values, NM, [1, 2, 3, 4], level="L1B")
    refused(other, "level L1B is not read")
    refused(_prisma(tmp_path / "a.he5", "L2X"), "expected a coregistered cube")
    metadata = next(folder.glob("*METADATA.XML"))
    text = metadata.read_text()
    metadata.write_text('<!DOCTYPE a [<!ENTITY b "c">]>' + text)
    refused(folder, "document type")
    metadata.write_bytes(("<!DOCTYPE a>" + text.split("?>")[1]).encode("utf-16"))
    refused(folder, "16 bits")
    metadata.write_text(text.replace("<FWHMOfBand>8.5", "<FWHMOfBand>wide", 1))
    refused(folder, "no number FWHMOfBand")
    metadata.unlink()
    refused(folder, "is a folder; expected")
    parent = tmp_path / "parent"
    parent.joinpath("notes").mkdir(parents=True)
    layouts.enmap(parent / "in", values, NM, [1, 2, 3, 4])
    (only,) = (parent / "in").iterdir()
    only = only.rename(parent / only.name)
    (parent / "in").rmdir()
    refused(parent, rf"parent: is a folder, and itself no product; it contains {only.name}: give that")
    shutil.copytree(only, parent / "ENMAP_2")
    refused(parent, rf"it contains {only.name}, ENMAP_2: give one of them")
    loop = tmp_path / "loop"
    loop.mkdir()
    (loop / "self").symlink_to(loop, target_is_directory=True)
    refused(loop, "loop: cannot be looked at")
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "cube.npy").touch()
    refused(plain, r"it contains cube\.npy: give that")
    image = next(folder.glob("*SPECTRAL_IMAGE.TIF"))
    with pytest.warns(DataWarning, match=r"without the product's metadata file \(ENMAP…-METADATA\.XML\)"):
        np.testing.assert_array_equal(open_cube(image).read().data, values)
    refused(image, r"mask=cloud is for products", mask="cloud")
    whole = _prisma(tmp_path / "b.he5").read_bytes()
    (tmp_path / "cut.he5").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.he5", "not a readable HDF5 file|truncated")
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out,
        out.open("ENMAP01-____L2A-1-METADATA.XML", "w") as file,
    ):
        for _ in range(300):
            file.write(bytes(1 << 20))
    refused(bomb, "times its size; not unpacked")
    link = tmp_path / "link.zip"
    with zipfile.ZipFile(link, "w") as out:
        item = zipfile.ZipInfo("ENMAP01-____L2A-1-METADATA.XML")
        item.external_attr = 0o120777 << 16
        out.writestr(item, "/etc/passwd")
    refused(link, "a link or no plain name")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as out:
        out.writestr("readme.txt", "nothing")
    refused(tmp_path / "other.zip", "holds no product that is known")


@pytest.mark.parametrize(("level", "nodata"), [("L1C", 0), ("L2A", -32768)])
def test_enmap_whose_image_declares_no_nodata(tmp_path, level, nodata):
    values = np.full((4, 5, 3), 7, np.int16)
    values[1, 2] = nodata
    folder = layouts.enmap(tmp_path, values, np.array([500.0, 600, 1600]), [1, 2], level=level)
    layouts.raster(next(folder.glob("*SPECTRAL_IMAGE.TIF")), values)
    with open_cube(folder) as reader:
        valid = reader.read().valid()
        assert reader.info.reflectance == (level == "L2A")
    assert not valid[1, 2]
    assert valid.sum() == 19
