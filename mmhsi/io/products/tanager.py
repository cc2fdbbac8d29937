"""Planet Tanager: HDF-EOS5 with a grid (ortho products) or a swath (basic ones) ``HYP``.

Layout: Planet's Tanager product description. The cube is (band, row, column) and carries the lists of its bands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import FileFormatError
from mmhsi.io.doubts import doubt
from mmhsi.io.files import reading
from mmhsi.io.products.base import Detector, Hdf5Product, Layer, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet
from mmhsi.io.wavelengths import in_nanometres

if TYPE_CHECKING:
    import h5py

    from mmhsi.io.cube_options import CubeOptions

_CUBES = ("surface_reflectance", "ortho_surface_reflectance", "toa_radiance", "ortho_radiance")
_LAYERS = {"cloud": "beta_cloud_mask", "cirrus": "beta_cirrus_mask"}
_CORNER = re.compile(r"(UpperLeftPointMtrs|LowerRightMtrs)=\(([-+.\deE]+),([-+.\deE]+)\)")


@register_product
class Tanager(Hdf5Product):
    """Tanager surface reflectance and radiance, ortho and basic."""

    title = "Tanager"

    @classmethod
    def holds(cls, content: h5py.File) -> bool:
        """A grid or swath of Planet's name."""
        return "HDFEOS/GRIDS/HYP" in content or "HDFEOS/SWATHS/HYP" in content

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands, quality layers and place."""
        with Content(self.file, self.title) as content:
            kind = "GRIDS" if content.has("HDFEOS/GRIDS/HYP") else "SWATHS"
            fields = f"HDFEOS/{kind}/HYP/Data Fields"
            cube = next((f"{fields}/{name}" for name in _CUBES if content.has(f"{fields}/{name}")), None)
            if cube is None:
                raise FileFormatError(f"{self.path}: Tanager: holds none of {', '.join(_CUBES)}")
            units, widths = content.maybe("wavelength_units", cube), content.maybe("fwhm", cube)
            nm, fwhm = in_nanometres(
                content.numbers("wavelengths", cube),
                None if widths is None else content.numbers("fwhm", cube),
                None if units is None else content.text("wavelength_units", cube),
                self.path,
            )
            if nm is None:
                raise FileFormatError(f"{self.path}: Tanager: the wavelengths of {cube} are none")
            good = content.maybe("good_wavelengths", cube)
            nodata = content.maybe_number("_FillValue", cube)
            shape = content.file[cube].shape
            crs, transform = self._place(content, kind, shape[-2:])
            layers = {
                name: [Layer(DataSet(self.file, f"{fields}/{layer}", "y x"))]
                for name, layer in _LAYERS.items()
                if content.has(f"{fields}/{layer}")
            }
        reader = DataSet(self.file, cube, "band y x")
        return ProductCube(
            [Detector(reader, nm, None, fwhm, good=good)],
            nodata,
            crs,
            transform,
            layers,
            reflectance="reflectance" in cube,
        )

    def _place(self, content: Content, kind: str, size: tuple[int, int]) -> tuple[CRS | None, Affine | None]:
        """The grid's corners stand in the text that HDF-EOS files carry."""
        if kind == "SWATHS":
            doubt(self.path, "place", "Tanager's basic product is in the sensor's geometry; maps will have no place")
            return None, None
        text = content.word("HDFEOS INFORMATION/StructMetadata.0")
        corners = {name: (float(x), float(y)) for name, x, y in _CORNER.findall(text)}
        if len(corners) != 2:
            raise FileFormatError(f"{self.path}: Tanager: StructMetadata.0 does not say the grid's corners")
        (west, north), (east, south) = corners["UpperLeftPointMtrs"], corners["LowerRightMtrs"]
        if not (east > west and north > south):
            raise FileFormatError(f"{self.path}: Tanager: StructMetadata.0 has its corners the wrong way round")
        with reading(self.path, "Tanager: epsg_code is none"):
            crs = CRS.from_epsg(int(content.number("epsg_code", "HDFEOS/GRIDS/HYP")))
        height, width = size
        return crs, Affine((east - west) / width, 0, west, 0, (south - north) / height, north)
