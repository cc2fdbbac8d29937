"""Maps of a scene without structure, and runs of them that end early."""

import numpy as np
import pytest
from scene_models import BANDS

from mmhsi.io import HSICube, write_cube

OUTPUTS = ("map.tif", "probabilities.tif", "uncertainty.tif")


def noise(rows, columns):
    return np.random.default_rng(0).normal(500, 200, (rows, columns, BANDS)).astype(np.float32)


def write_scene(path, rows=90, columns=30):
    write_cube(path, HSICube(noise(rows, columns)))
    return path


def write(inferencer, scene, folder, **options):
    m, p, u = (folder / name for name in OUTPUTS)
    inferencer.write_map(scene, m, probabilities=p, uncertainty=u, **options)


def contents(folder):
    """Bytes of all files; an item says when it was written."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".stac.json")}


def stop_at(row):
    def progress(done, *_):
        if done >= row:
            raise KeyboardInterrupt

    return progress


def interrupt(inferencer, scene, folder, row=20):
    """Give the folder of what is finished."""
    with pytest.raises(KeyboardInterrupt):
        write(inferencer, scene, folder, progress=stop_at(row))
    return folder / "map.tif.partial"
