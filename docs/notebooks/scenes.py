"""Scenes of the notebooks: real ones from the folder MMHSI_SHARED_DATA, simulated ones where it is not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Given(NamedTuple):
    """What a notebook begins with.

    Attributes:
        cube: File of the scene.
        polygons: File of the labelled areas, with a field ``class``.
        truth: Class of every pixel whose truth is known, 0 to K-1, 255 elsewhere, (H, W); of the polygons, too.
        names: K class names.
    """

    cube: Path
    polygons: Path
    truth: npt.NDArray[np.uint8]
    names: list[str]


def land_cover(folder: Path) -> Given:
    """EnMAP over Potsdam: tiles put together, the land cover of the training tiles as polygons.

    Args:
        folder: For the files.
    """
    shared = Path(os.environ.get("MMHSI_SHARED_DATA", "missing"))
    if (shared / "enmap_potsdam").is_dir():
        return _potsdam(folder, shared / "enmap_potsdam")
    import rasterio

    from mmhsi.datasets.simulation import simulate_scene, write_scene

    print("MMHSI_SHARED_DATA names no folder with enmap_potsdam: a simulated scene takes the place of Potsdam")
    scene = simulate_scene(64, 64)
    cube, labels = write_scene(scene, folder)
    with rasterio.open(labels) as file:
        ids, crs, transform = file.read(1), file.crs, file.transform
    names = [f"class {label}" for label in range(1, int(ids.max()) + 1)]
    truth = np.where(ids > 0, ids - 1, 255).astype(np.uint8)
    drawn = truth.copy()
    drawn[:, 32:] = 255  # the left half is what somebody has drawn
    return _given(folder, cube, truth, drawn, names, crs, transform)


def _potsdam(folder: Path, source: Path) -> Given:
    import rasterio
    from rasterio.merge import merge

    from mmhsi.datasets.catalogue import scene_info

    tiles = sorted((source / "images").glob("*.tif"))
    with rasterio.open(tiles[0]) as first:
        profile, tags = first.profile, [first.tags(band) for band in first.indexes]
    data, transform = merge(tiles)
    profile.update(height=data.shape[1], width=data.shape[2], transform=transform)
    with rasterio.open(folder / "potsdam.tif", "w", **profile) as file:
        file.write(data)
        for band, tag in enumerate(tags, 1):
            file.update_tags(band, **tag)
    lines = (source / "train_files.csv").read_text().splitlines()[1:]
    training = {Path(line.split(",")[0]).name for line in lines}

    def labels(chosen: list[Path]) -> npt.NDArray[np.uint8]:
        bounds = rasterio.transform.array_bounds(*data.shape[1:], transform)
        values, _ = merge([source / "labels" / tile.name for tile in chosen], nodata=0, bounds=bounds)
        return np.where(values[0] > 0, values[0] - 1, 255).astype(np.uint8)

    drawn = labels([tile for tile in tiles if tile.name in training])
    names = list(scene_info("enmap_potsdam").classes)
    return _given(folder, folder / "potsdam.tif", labels(tiles), drawn, names, profile["crs"], transform)


def _given(folder, cube, truth, drawn, names, crs, transform) -> Given:
    from mmhsi.io.vector_writer import write_areas

    write_areas(folder / "fields.gpkg", drawn, names, range(1, len(names) + 1), crs, transform)
    return Given(Path(cube), folder / "fields.gpkg", truth, names)


def places_of(points: Path, cube: Path) -> list[tuple[int, int]]:
    """Row and column in a scene of every point of a file.

    Args:
        points: Of ``mmhsi suggest``.
        cube: The scene, a raster that GDAL opens.
    """
    import struct

    import pyogrio
    import rasterio

    _, _, geometries, _ = pyogrio.raw.read(points)
    with rasterio.open(cube) as file:
        inverse = ~file.transform
    found = [inverse @ struct.unpack("<dd", bytes(geometry)[5:21]) for geometry in geometries]
    return [(int(row), int(column)) for column, row in found]


def mmhsi(*words: object) -> None:
    """Run a command as a shell would, and show what it prints, without the folders before the files' names.

    Args:
        words: Its name and arguments.
    """
    import subprocess
    import sys

    command = [sys.executable, "-m", "mmhsi", *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603, a command of ours
    hidden = sorted({str(word.parent) for word in words if isinstance(word, Path)}, key=len, reverse=True)
    text = done.stdout + (done.stderr if done.returncode else "")
    for folder in hidden:
        text = text.replace(f"{folder}/", "")
    print(text)
    done.check_returncode()
