"""Readers of cubes, one file format a module."""

from mmhsi.io.readers.base import CubeReader
from mmhsi.io.readers.opening import open_cube, read_cube

__all__ = ["CubeReader", "open_cube", "read_cube"]
