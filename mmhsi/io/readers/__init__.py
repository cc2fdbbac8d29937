"""Readers of cubes, one file format a module."""

from mmhsi.io.readers.base import CubeReader
from mmhsi.io.readers.mat import Mat5Reader, Mat73Reader, open_mat
from mmhsi.io.readers.npy import NpyReader
from mmhsi.io.readers.opening import open_cube, read_cube
from mmhsi.io.readers.raster import RasterReader

__all__ = [
    "CubeReader",
    "Mat5Reader",
    "Mat73Reader",
    "NpyReader",
    "RasterReader",
    "open_cube",
    "open_mat",
    "read_cube",
]
