"""ENVI, GeoTIFF and what refers to other files."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING

from fuzz.case import Case
from fuzz.entries import CUBE
from fuzz.files import change, cut, damaged, of_bytes, write_envi, write_geotiff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HUGE = ("pixel",)
"""Entries for files that declare more than any machine's memory."""


def header(name: str, refused: bool | None = True, **changes: object) -> Case:
    """An ENVI header that says something else than its data."""
    return Case(f"ENVI: {name}", lambda folder: write_envi(folder, **changes), refused)


def header_text(name: str, edit: Callable[[bytes], bytes], refused: bool | None = True) -> Case:
    """An ENVI header whose text is damaged."""
    build = damaged(write_envi, lambda path: path.write_bytes(edit(path.read_bytes())))
    return Case(f"ENVI: {name}", build, refused)


def sparse_envi(folder: Path) -> Path:
    """A terabyte on paper and a hole on disk: windows can be read."""
    path = write_envi(folder, samples=1_000_000, lines=100_000, bands=5)
    with path.with_suffix(".img").open("r+b") as file:
        file.truncate(1_000_000 * 100_000 * 5 * 2)
    return path


def gzip_envi(folder: Path) -> Path:
    """ENVI's own compression, the packed file cut."""
    path = write_envi(folder, file_compression=1)
    data = path.with_suffix(".img")
    packer = zlib.compressobj(wbits=31)
    data.write_bytes((packer.compress(CUBE.tobytes()) + packer.flush())[:200])
    return path


def tiff(shape: tuple[int, int, int], strip: bytes, rows_per_strip: int | None = None, **tags: int) -> bytes:
    """A GeoTIFF by hand: one deflated strip of uint8, whatever its header says; ``tNNN=`` sets or adds a tag."""
    height, width, bands = shape
    entries = {
        **{256: width, 257: height, 258: 8, 259: 8, 262: 1, 273: 8, 277: bands},
        **{278: rows_per_strip or height, 279: len(strip), 284: 1, 339: 1},
        **{int(name[1:]): value for name, value in tags.items()},
    }
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(strip))
        + strip
        + struct.pack("<H", len(entries))
        + directory
        + b"\0" * 4
    )


def handmade(name: str, content: bytes, refused: bool | None = True, **options: object) -> Case:
    """A GeoTIFF of these bytes."""
    return Case(f"GeoTIFF: {name}", of_bytes("scene.tif", content), refused, **options)


def zeros(count: int) -> bytes:
    """So many zeros, deflated."""
    packer = zlib.compressobj(1)
    block = bytes(1 << 20)
    parts = [packer.compress(block[: min(len(block), count - at)]) for at in range(0, count, len(block))]
    return b"".join(parts) + packer.flush()


def vrt(source: str) -> Callable[[Path], Path]:
    """A virtual raster of one source; ``{folder}`` in it is the folder."""

    def build(folder: Path) -> Path:
        band = (
            '<VRTRasterBand dataType="Int16" band="{band}"><SimpleSource><SourceFilename relativeToVRT="0">{source}'
            '</SourceFilename><SourceBand>{band}</SourceBand><SrcRect xOff="0" yOff="0" xSize="14" ySize="12"/>'
            '<DstRect xOff="0" yOff="0" xSize="14" ySize="12"/></SimpleSource></VRTRasterBand>'
        )
        (folder / "other").mkdir()
        write_geotiff(folder / "other")
        where = source.replace("{folder}", str(folder))
        bands = "".join(band.format(band=index, source=where) for index in range(1, 6))
        path = folder / "scene.vrt"
        path.write_text(f'<VRTDataset rasterXSize="14" rasterYSize="12">{bands}</VRTDataset>')
        return path

    return build


def wms(folder: Path) -> Path:
    """A service description that GDAL would ask the network for."""
    path = folder / "scene.tif"
    path.write_text(
        '<GDAL_WMS><Service name="TMS"><ServerUrl>http://192.0.2.1/${z}/${x}/${y}.png</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>0</UpperLeftY><LowerRightX>1</LowerRightX>"
        "<LowerRightY>1</LowerRightY><SizeX>99</SizeX><SizeY>99</SizeY></DataWindow><BandsCount>5</BandsCount></GDAL_WMS>"
    )
    return path


def damaged_tiff(name: str, edit: Callable[[Path], object], **profile: object) -> Case:
    """A valid GeoTIFF that is then damaged."""
    return Case(f"GeoTIFF: {name}", damaged(partial(write_geotiff, **profile), edit))


NM = "{400, 500, 600, 700, 800}"
CASES = [
    *[header(f"samples = {value}", samples=value) for value in (15, 0, -14, "many", 1.5, 2**31, 10**30, "14e3", "")],
    *[header(f"lines = {value}", lines=value) for value in (13, -1, 2**31 - 1)],
    *[header(f"bands = {value}", bands=value) for value in (6, 0, 10**6, 2**31 - 1, None)],
    *[header(f"header offset = {value}", header_offset=value) for value in (10**6, 1, "x", 2**63)],
    header("header offset = -1", header_offset=-1),
    *[header(f"data type = {value}", data_type=value) for value in (99, 5, 6, 0, "int16")],
    header("data type too small", None, data_type=1),
    header("byte order = 1", False, byte_order=1),
    header("byte order = 7", None, byte_order=7),
    header("interleave = zigzag", interleave="zigzag"),
    header("no interleave", interleave=None),
    header("classification with colours for nothing", None, file_type="ENVI Classification", classes=-3),
    header("data file elsewhere", None, data_file="/etc/passwd"),
    header("map info of words", None, map_info="{UTM, a, b, c, d, e, f, 99, Nowhere}"),
    header("coordinate system of words", None, coordinate_system_string="{PROJCS[[[}"),
    header("a list of wavelengths too short", wavelength="{400, 500}"),
    header("a list of wavelengths too long", wavelength="{400, 500, 600, 700, 800, 900}"),
    header("wavelengths of words", wavelength="{red, green, blue, nir, swir}"),
    header("nodata of words", None, data_ignore_value="none"),
    header("bad bands of words", bbl="{good, good, good, good, bad}"),
    header("every band bad", None, bbl="{0, 0, 0, 0, 0}"),
    header("wavelength unit of nonsense", False, wavelength=NM, wavelength_units="furlongs"),
    header_text("list without end", lambda text: text + b"wavelength = {400, 500,", None),
    header_text("key of a megabyte", lambda text: text + b"k" * (1 << 20) + b" = 1\n", False),
    header_text("value of ten megabytes", lambda text: text + b"note = {" + b"a, " * (3 << 20) + b"}\n", None),
    header_text("zero bytes", lambda text: text.replace(b"lines", b"li\0nes")),
    header_text("cut in the middle", lambda text: text[:40]),
    header_text("not UTF-8", lambda text: text + b"description = {\xff\xfe\x80}\n", False),
    header_text("another first word", lambda text: text.replace(b"ENVI\n", b"ENVY\n", 1)),
    Case("ENVI: a terabyte in a sparse file", sparse_envi, False, HUGE),
    Case("ENVI: a terabyte in a sparse file, read whole", sparse_envi, True, ("cube", "scene", "tiles", "corpus")),
    Case("ENVI: packed, cut", gzip_envi),
    *[
        damaged_tiff(f"cut after {share} of 4", lambda path, share=share: cut(path, path.stat().st_size * share // 4))
        for share in (1, 2, 3)
    ],
    damaged_tiff("cut after 8 bytes", lambda path: cut(path, 8)),
    damaged_tiff("deflated, cut in half", lambda path: cut(path, path.stat().st_size // 2), compress="deflate"),
    damaged_tiff("wrong magic", lambda path: change(path, b"II*\0", b"JJ*\0")),
    handmade("the header points to itself", struct.pack("<2sHI", b"II", 42, 0)),
    handmade("directory beyond the file", struct.pack("<2sHI", b"II", 42, 2**31)),
    handmade("no rows", tiff((0, 14, 1), zeros(14))),
    handmade("2^31 columns", tiff((1, 2**31, 1), zeros(1000)), entries=("cube", "pixel")),
    handmade("65535 bands of one pixel", tiff((1, 1, 65535), zeros(65535))),
    handmade("strip of 10 TB", tiff((3_000_000, 3_000_000, 1), zeros(1000)), entries=("cube", "pixel")),
    handmade(
        "strip of 900 MB, 1 kB on disk",
        tiff((30_000, 30_000, 1), zeros(10**6)),
        entries=("cube", "pixel"),
        megabytes=2000,
    ),
    handmade("small strip that unpacks to 400 MB", tiff((12, 14, 5), zeros(400 << 20)), None),
    handmade("strip length of 4 GB", tiff((12, 14, 5), zeros(840), t279=2**32 - 1), None),
    handmade("strip beyond the file", tiff((12, 14, 5), zeros(840), t273=2**31)),
    handmade("unknown compression", tiff((12, 14, 5), zeros(840), t259=12345)),
    handmade("3 bits a value", tiff((12, 14, 5), zeros(840), t258=3), None),
    handmade("200 bits a value", tiff((12, 14, 5), zeros(840), t258=200)),
    Case("VRT: of a file beside it", vrt("{folder}/other/scene.tif"), False),
    Case("VRT: of a file that is gone", vrt("{folder}/other/gone.tif")),
    Case("VRT: of itself", vrt("{folder}/scene.vrt")),
    Case("VRT: of the network", vrt("/vsicurl/http://192.0.2.1/scene.tif")),
    Case("VRT: of the network by URL", vrt("http://192.0.2.1/scene.tif")),
    Case("VRT: of a bucket", vrt("/vsis3/bucket/scene.tif")),
    Case("VRT: of standard input", vrt("/vsistdin/")),
    Case("VRT: of a service", vrt("WMS:http://192.0.2.1/?layers=a")),
    handmade("4096 bands of one pixel", tiff((1, 1, 4096), zeros(4096)), False, entries=("pixel",)),
    Case("WMS description named .tif", wms),
]
