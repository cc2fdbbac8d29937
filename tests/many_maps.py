"""Maps of several scenes by one model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS

from mmhsi.inference.many_scenes import Record, predict_scenes
from mmhsi.inference.scene_lists import map_names
from mmhsi.io import HSICube, write_cube

if TYPE_CHECKING:
    from pathlib import Path

    from mmhsi.inference import SceneInferencer

SIDE, METRES = 10, 30


def write_scenes(folder: Path) -> list[str]:
    """Four scenes in a row from west to east, of 10 × 10 pixels of 30 m; the third is damaged."""
    rng, paths = np.random.default_rng(0), []
    for index in range(4):
        path = folder / f"scene_{index}.tif"
        place = from_origin(366000 + index * SIDE * METRES, 5800000, METRES, METRES)
        data = rng.normal(500, 200, (SIDE, SIDE, BANDS)).astype(np.float32)
        data[0, :index] = -9999
        write_cube(path, HSICube(data, nodata=-9999, crs=CRS.from_epsg(32633), transform=place))
        paths.append(str(path))
    (folder / "scene_2.tif").write_bytes(b"II*\0 cut")
    return paths


def map_all(inferencer: SceneInferencer, scenes: list[str], out: Path, **options: Any) -> list[tuple[Record, bool]]:
    """Each scene's record, and whether its map was there."""
    return list(predict_scenes(lambda: inferencer, inferencer.model.digest, scenes, map_names(scenes), out, **options))
