# %% [markdown]
# # From an experiment to deployment
#
# *For those who have a trained network and want others, or a program without Python, to make maps with it:* train,
# publish, map many scenes, export to ONNX. The scenes are simulated; with your own, only the file names change.
# %%
import os
import tempfile
from pathlib import Path

from scenes import mmhsi

from mmhsi.datasets.simulation import simulate_scene, write_scene

root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs").is_dir())
folder = Path(tempfile.mkdtemp())
os.environ["MMHSI_DATA"] = str(folder)  # where the configs look for data
cubes = [write_scene(simulate_scene(64, 64), folder / "demo")[0]]
for seed, name in enumerate(("north", "south"), 1):
    made = write_scene(simulate_scene(64, 64, seed=seed), folder / name)[0]
    cubes.append(made.rename(folder / name / f"{name}.tif"))
# %% [markdown]
# ## Train
#
# Ten epochs keep this page short; [Training](../training.md) explains configs.
# %%
config = root / "configs/comparison/cnn2d.py"
run = folder / "run"
data = ("--dataset", "demo_20-per-class", "--seed", 0)
short = ("--cfg-options", "train_cfg.max_epochs=10")
mmhsi("train", config, *data, "--work-dir", run, "--report", run / "report.json", *short)
# %% [markdown]
# ## Publish
#
# This writes weights, network, bands, normalisation and classes into one file, without the optimiser's state. The file
# needs no config, and its name holds a part of its checksum. Beside it is a model card with blanks for you to fill in.
# %%
mmhsi("publish_model", config, run / "epoch_10.pth", "--dataset", "demo_20-per-class", "--out", folder / "model.pth")
(model,) = folder.glob("model-*.pth")
# %% [markdown]
# ## Many scenes
#
# One map each, and a summary of all. When you give the command again, it skips the finished ones.
# %%
mmhsi("predict", model, *cubes, "--out-dir", folder / "maps")
sorted(path.name for path in (folder / "maps").iterdir())
# %% [markdown]
# ## ONNX
#
# For programs without PyTorch. The exported model takes the values of the training's bands as they are in the file,
# here the 56 good ones of 64; it normalises them itself.
# %%
mmhsi("export", model, "--out", folder / "model.onnx")
# %%
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
(given,) = session.get_inputs()
print(given.name, given.shape)
windows = np.zeros([2, *given.shape[1:]], np.float32)
session.run(None, {given.name: windows})[0].shape
