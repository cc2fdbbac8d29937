# %% [markdown]
# # A new sensor, old weights
#
# *For those who have a model for one sensor and a scene from another: other bands, the same ground.* There are three
# ways: resample the scene to the bands of the training when you make the map; carry the weights of the first layer over
# to the new bands and fine-tune them; or use an encoder that takes any bands. [New sensors](../sensors.md) has more on
# each.
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
# The old one has 64 bands. The new one sees the same scene in half as many, twice as wide: means of two neighbours.
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
short = ("--cfg-options", "train_cfg.max_epochs=15")
mmhsi("train", config, *data, "--work-dir", run, "--report", run / "report.json", *short)
mmhsi("publish_model", config, run / "epoch_15.pth", "--dataset", "demo_20-per-class", "--out", folder / "model.pth")
(model,) = folder.glob("model-*.pth")
# %% [markdown]
# ## Resample when mapping
#
# Without the option the new scene is refused: its bands are not those of the training, and the same number would not
# make them so.
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
# %% [markdown]
# ## Carry the weights over, and fine-tune
#
# With `input_layer="interpolate"` each new band takes its weights from its neighbours in wavelength; everything else is
# loaded as it is. The report says what happened to every weight. Where there are no wavelengths, `"reinit"` draws the
# first layer anew.
# %%
from mmhsi.models import CNN2D
from mmhsi.models.weights import transfer_weights

good = np.flatnonzero(seen.good_bands)
centres = seen.wavelengths[good].tolist()
print(transfer_weights(CNN2D(len(good)), run / "epoch_15.pth", "backbone.", "interpolate", centres))
# %% [markdown]
# In a config, `init_cfg` does this before the training. Five labels a class of the new scene, with the old weights and
# without. Both sensors see the same ground here, which is the best case: weights of [other scenes](../results.md)
# gained less than a point.
# %%
text = f"""
_base_ = {str(config)!r}
scene = dict(_delete_=True, base="demo", image="new.tif")
split = dict(per_class=5)
train_dataloader = dict(dataset=dict(scene=scene, split=split))
test_dataloader = dict(dataset=dict(scene=scene, split=split))
weights = dict(type="Pretrained", checkpoint={str(run / "epoch_15.pth")!r}, prefix="backbone.")
model = dict(backbone=dict(init_cfg=dict(weights, input_layer="interpolate", wavelengths={centres})))
"""
(folder / "finetune.py").write_text(text)
for name, more in (("old weights", ()), ("from scratch", ("model.backbone.init_cfg=None",))):
    report = folder / f"{name}.json"
    words = ("--work-dir", folder / name, "--report", report, *short, *more)
    mmhsi("train", folder / "finetune.py", *data, *words)
# %% [markdown]
# ## An encoder of any bands
#
# Its first layer makes its weights from the centres of the bands, so that one network takes both sensors and gives
# both the same meaning. [Public encoders](../sensors.md#public-weights) are of this kind, and `mmhsi probe_features`
# measures what their features are worth on your scene.
# %%
import torch

from mmhsi.models import HSIViT

encoder = HSIViT(arch="tiny", img_size=64, patch_size=4, embedding="wavelength").eval()
with torch.no_grad():
    tokens = []
    for scene in (cube, seen):
        kept = np.flatnonzero(scene.good_bands)
        image = torch.tensor(scene.data[..., kept].astype(np.float32)).permute(2, 0, 1)[None]
        image = (image - image.mean()) / image.std()
        tokens += encoder(image, scene.wavelengths[kept].tolist())
print(f"cosine of the two sensors' features: {torch.cosine_similarity(*tokens, dim=1).mean():.3f}")
