"""Maps of classes that share a grid as one raster: a virtual one, and a cloud-optimised GeoTIFF of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from mmhsi.errors import DataError
from mmhsi.io.files import remove_begun, write_whole, writing
from mmhsi.io.gdal import local_files
from mmhsi.io.output import PendingFile, sidecar
from mmhsi.io.row_writer import cloud_optimised
from mmhsi.io.styles import write_style
from mmhsi.progress import begin

from .checks import check_space

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .many_scenes import Record
    from .map_facts import MapFacts

MOSAIC = "mosaic"
COMPARED = (1024, 4096)
"""Rows and columns of a finished mosaic that are compared with the maps at a time."""


@dataclass(frozen=True)
class Mosaic:
    """Maps on one grid; where they overlap the later one lies above.

    Attributes:
        virtual: The virtual raster.
        records: Of the maps, which have facts.
    """

    virtual: Path
    records: list[Record]

    @property
    def files(self) -> list[Path]:
        """The cloud-optimised GeoTIFF, and what lies beside it."""
        out = self.virtual.with_suffix(".tif")
        return [out, sidecar(out), out.with_suffix(".qml")]

    @property
    def state(self) -> str:
        """What tells it from a mosaic of other maps, or of other states of them."""
        written = json.dumps([record.written for record in self.records])
        return hashlib.sha256(f"{self._text()}{written}".encode()).hexdigest()

    def write_virtual(self) -> None:
        """Write the virtual raster.

        Raises:
            DataError: If it cannot be written.
        """
        write_whole(self.virtual, self._text())

    @local_files()
    def write_optimised(self) -> None:
        """Copy the virtual raster, which is written, to the cloud-optimised GeoTIFF; nothing is left of one that fails.

        A style that is there stays. It takes memory for some tiles, and on the disk the room of the file and, until it
        is finished, once more that of its overviews.

        Raises:
            DataError: If the disk has no room, a map cannot be read, or the file not be written.
        """
        (out, _, style), facts = self.files, _facts(self.records[0])
        begin(f"writing {out.name}")
        remove_begun(out.parent, out.name)
        pending = PendingFile(out)
        check_space(out.parent, sum(record.written[0] for record in self.records), "mosaic")
        try:
            with writing(out):
                options = cloud_optimised("mode", np.dtype(facts.dtype))
                rasterio.shutil.copy(self.virtual, pending.temporary, driver="COG", **options)
                _compare(self.virtual, pending.temporary, out)
            pending.commit()
        finally:
            pending.discard()
        if not style.exists():
            write_style(out, facts.ids, facts.classes, facts.palette)

    def _text(self) -> str:
        first = _facts(self.records[0])
        _, a, b, _, d, e = first.transform
        inverse = np.linalg.inv([[a, b], [d, e]])
        origin = np.array(first.transform)[[0, 3]]
        places = np.array([_facts(record).transform for record in self.records])[:, [0, 3]]
        offsets = (places - origin) @ inverse.T
        low = np.floor(offsets.min(axis=0) + 1e-6)
        sizes = np.array([_facts(record).size[::-1] for record in self.records])
        width, height = np.ceil((offsets - low + sizes).max(axis=0) - 1e-6).astype(int)
        left, top = origin + np.array([[a, b], [d, e]]) @ low
        kind = {"uint8": "Byte", "uint16": "UInt16"}[first.dtype]
        lines = [
            f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">',
            f"  <SRS>{escape(first.crs)}</SRS>",
            f"  <GeoTransform>{', '.join(repr(float(value)) for value in (left, a, b, top, d, e))}</GeoTransform>",
            "  <Metadata>",
            f'    <MDI key="class_names">{escape(json.dumps(first.classes, ensure_ascii=False))}</MDI>',
            f'    <MDI key="class_ids">{json.dumps(first.ids)}</MDI>',
            "  </Metadata>",
            f'  <VRTRasterBand dataType="{kind}" band="1">',
            "    <Description>class</Description>",
            f"    <NoDataValue>{first.nodata}</NoDataValue>",
            "    <ColorInterp>Palette</ColorInterp>",
            *_legend(first),
        ]
        for record, (x, y), (columns, rows) in zip(self.records, offsets - low, sizes, strict=True):
            name = escape(f"./{record.map}")  # GDAL cuts a space with which a text begins
            lines += [
                "    <ComplexSource>",
                f'      <SourceFilename relativeToVRT="1">{name}</SourceFilename>',
                "      <SourceBand>1</SourceBand>",
                f'      <SourceProperties RasterXSize="{columns}" RasterYSize="{rows}" DataType={quoteattr(kind)}/>',
                f'      <SrcRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>',
                f'      <DstRect xOff="{x:.6f}" yOff="{y:.6f}" xSize="{columns}" ySize="{rows}"/>',
                f"      <NODATA>{_facts(record).nodata}</NODATA>",
                "    </ComplexSource>",
            ]
        return "\n".join([*lines, "  </VRTRasterBand>", "</VRTDataset>", ""])


def mosaics(folder: Path, records: Iterable[Record]) -> list[Mosaic]:
    """The mosaics of maps: one of those of classes that share CRS, pixels and classes.

    Args:
        folder: Of the maps.
        records: Of maps that have a place.
    """
    groups: dict[tuple, list[Record]] = {}
    for record in records:
        facts = _facts(record)
        if facts.ids:
            key = (facts.crs, *np.round(np.array(facts.transform)[[1, 2, 4, 5]], 9), facts.dtype)
            groups.setdefault((*key, *facts.ids, *facts.classes), []).append(record)
    single = len(groups) == 1
    return [
        Mosaic(folder / (f"{MOSAIC}.vrt" if single else f"{MOSAIC}_{number}.vrt"), group)
        for number, group in enumerate(groups.values(), start=1)
    ]


def _facts(record: Record) -> MapFacts:
    assert record.facts is not None  # of those that are chosen
    return record.facts


def _legend(facts: MapFacts) -> list[str]:
    """Names and colours of all numbers up to the largest that is a class's."""
    colours = dict(zip(facts.ids, facts.palette, strict=True))
    names = dict(zip(facts.ids, facts.classes, strict=True))
    lines = ["    <CategoryNames>"]
    lines += [f"      <Category>{escape(names.get(number, ''))}</Category>" for number in range(max(names) + 1)]
    lines += ["    </CategoryNames>", "    <ColorTable>"]
    for number in range(max(colours) + 1):
        red, green, blue = colours.get(number, (0, 0, 0))
        lines.append(f'      <Entry c1="{red}" c2="{green}" c3="{blue}" c4="{255 if number in colours else 0}"/>')
    return [*lines, "    </ColorTable>"]


def _compare(virtual: Path, made: Path, name: Path) -> None:
    """Compare a copy with what was copied: GDAL tells of no error when it closes a file."""
    with rasterio.open(virtual) as source, rasterio.open(made) as copy:
        for row in range(0, source.height, COMPARED[0]):
            for column in range(0, source.width, COMPARED[1]):
                size = min(COMPARED[1], source.width - column), min(COMPARED[0], source.height - row)
                window = Window(column, row, *size)
                if not np.array_equal(source.read(1, window=window), copy.read(1, window=window)):
                    raise DataError(f"{name}: cannot write all of it; is the disk full?")
