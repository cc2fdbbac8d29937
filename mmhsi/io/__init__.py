"""Files to cubes and label maps, and maps to files; the only part of mmhsi that knows file formats."""

from mmhsi.io.class_map_reader import ClassMap, read_class_map
from mmhsi.io.class_maps import ClassMapWriter, write_class_map
from mmhsi.io.cube import CubeInfo, HSICube
from mmhsi.io.cube_options import CubeOptions
from mmhsi.io.cube_writer import write_cube
from mmhsi.io.label_maps import NO_LABEL, label_map_info, open_label_map, read_label_map, read_labels
from mmhsi.io.readers import CubeReader, open_cube, read_cube
from mmhsi.io.selection import Window
from mmhsi.io.value_maps import ValueMapWriter
from mmhsi.io.wavelengths import nanometres_per_unit, nearest_band
from mmhsi.io.zarr_writer import write_zarr

__all__ = [
    "NO_LABEL",
    "ClassMap",
    "ClassMapWriter",
    "CubeInfo",
    "CubeOptions",
    "CubeReader",
    "HSICube",
    "ValueMapWriter",
    "Window",
    "label_map_info",
    "nanometres_per_unit",
    "nearest_band",
    "open_cube",
    "open_label_map",
    "read_class_map",
    "read_cube",
    "read_label_map",
    "read_labels",
    "write_class_map",
    "write_cube",
    "write_zarr",
]
