# %% [markdown]
# # A new sensor, old weights
#
# For whoever has a model of one sensor and a scene of another: other bands, the same ground. Two ways: bands are
# resampled to those of the training when a map is made; or the weights of the first layer are carried over to the new
# bands and fine-tuned ([New sensors](../sensors.md)).
# %%
import os
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from scenes import mmhsi

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.io import HSICube, read_class_map, write_cube

root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs").is_dir())
folder = Path(tempfile.mkdtemp())
os.environ["MMHSI_DATA"] = str(folder)  # where the configs look for data
old, labels = write_scene(simulate_scene(64, 64), folder / "demo")
# %% [markdown]
# ## Two sensors
#
# The old one has 64 bands. The new one sees the same scene in every second band, twice as wide: means of neighbours.
# %%
from mmhsi.io import read_cube

cube = read_cube(old)
pairs = cube.data.reshape(64, 64, 32, 2)
seen = HSICube(
    pairs.mean(axis=3).astype(cube.data.dtype),
    wavelengths=cube.wavelengths.reshape(32, 2).mean(axis=1),
    good_bands=cube.good_bands.reshape(32, 2).all(axis=1),
    crs=cube.crs,
    transform=cube.transform,
)
new = folder / "new.tif"
write_cube(new, seen)
print(cube.data.shape, "and", seen.data.shape)
# %% [markdown]
# ## A model of the old sensor
# %%
config, run = root / "configs/comparison/cnn2d.py", folder / "run"
data = ("--dataset", "demo_20-per-class", "--seed", 0)
mmhsi(
    "train",
    config,
    *data,
    "--work-dir",
    run,
    "--report",
    run / "report.json",
    "--cfg-options",
    "train_cfg.max_epochs=15",
)
mmhsi("publish_model", config, run / "epoch_15.pth", "--dataset", "demo_20-per-class", "--out", folder / "model.pth")
(model,) = folder.glob("model-*.pth")
# %% [markdown]
# ## Resample when mapping
#
# Without the option it is refused: numbers of bands that fit would be no proof that they are the same bands.
# %%
import subprocess

try:
    mmhsi("predict", model, new, "--out", folder / "new_map.tif")
except subprocess.CalledProcessError:
    print("refused")
# %%
mmhsi("predict", model, old, "--out", folder / "old_map.tif")
mmhsi("predict", model, new, "--match-wavelengths", "--out", folder / "new_map.tif")
with rasterio.open(labels) as file:
    truth = file.read(1)
for name in ("old_map.tif", "new_map.tif"):
    found = read_class_map(folder / name)
    ids = np.append(found.ids, np.zeros(256 - len(found.ids), int))[found.classes]
    print(f"{name}: {100 * (ids == truth)[truth > 0].mean():.1f} % right, training pixels included")
