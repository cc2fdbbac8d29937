"""Importing mmhsi, and calling its functions, leaves the process as it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from processes import run_command

ROOT = Path(__file__).resolve().parents[1]

STATE = """
import json, sys

def state():
    import copyreg, logging, multiprocessing, os, signal, socket, threading, warnings
    import matplotlib, numpy, torch
    from mmengine.fileio import backends, file_client
    from mmengine.registry import DefaultScope
    from mmengine.runner import CheckpointLoader
    from rasterio.env import get_gdal_config
    loggers = [logging.root, *(logging.getLogger(name) for name in sorted(logging.root.manager.loggerDict))]
    gdal = ("GDAL_CACHEMAX", "GDAL_SKIP", "GDAL_HTTP_PROXY", "CPL_VSIL_CURL_ALLOWED_FILENAME", "CPL_VSISTDIN_FILE")
    return dict(
        environment=dict(os.environ),
        folder=os.getcwd(),
        paths=list(sys.path),
        finders=list(map(repr, sys.meta_path)),
        signals=[repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        warnings=list(map(repr, warnings.filters)) + [repr(warnings.showwarning)],
        hooks=[repr(sys.excepthook), repr(sys.displayhook), repr(threading.excepthook), sys.getrecursionlimit()],
        streams=[repr(sys.stdin), repr(sys.stdout), repr(sys.stderr)],
        loggers={
            entry.name: (entry.level, repr(entry.handlers), repr(entry.filters))
            for entry in loggers
            if entry.level or entry.handlers or entry.filters  # one that has just been asked for has none
        },
        logging=[logging.root.manager.disable, repr(logging.getLoggerClass())],
        # mmhsi:// is a name of our own.
        loaders={key: repr(value) for key, value in CheckpointLoader._schemes.items() if key != "mmhsi://"},
        backends={key: repr(value) for key, value in backends.backends.items()},
        prefixes={key: repr(value) for key, value in backends.prefix_to_backends.items()},
        clients={key: repr(value) for key, value in file_client.FileClient._backends.items()},
        scopes=list(DefaultScope._instance_dict),
        starting=multiprocessing.get_start_method(allow_none=True),
        threads=[torch.get_num_threads(), torch.get_num_interop_threads(), threading.active_count()],
        torch=[torch.is_grad_enabled(), str(torch.get_default_dtype()), torch.are_deterministic_algorithms_enabled()],
        cudnn=[torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.mkldnn.enabled],
        safe=sorted(map(repr, torch.serialization.get_safe_globals())),
        pickling=sorted(map(repr, copyreg.dispatch_table)),
        numpy=[numpy.geterr(), numpy.get_printoptions()["precision"]],
        random=[repr(torch.random.get_rng_state().sum()), repr(numpy.random.get_state()[2])],
        socket=socket.getdefaulttimeout(),
        matplotlib={key: repr(value) for key, value in matplotlib.rcParams.items()},
        gdal=[get_gdal_config(name) for name in gdal],
    )

def differences(before, after):
    return {name: [str(before[name])[:2000], str(after[name])[:2000]] for name in before if before[name] != after[name]}
"""
IMPORTS_AND_CALLS = (
    STATE
    + """
import ast, importlib, pkgutil
from pathlib import Path

root = Path("mmhsi").resolve()
names = set()
for path in root.rglob("*.py"):
    if "cli" in path.parts or ".mim" in path.parts:
        continue
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
for name in sorted(names):  # what others do when they are imported is theirs
    if name.partition(".")[0] != "mmhsi":
        try:
            importlib.import_module(name)
        except ImportError:
            pass
before = state()
imported = 0
for module in pkgutil.walk_packages([str(root)], "mmhsi."):
    if not module.name.startswith(("mmhsi.cli", "mmhsi.__main__")):
        importlib.import_module(module.name)
        imported += 1
assert imported > 200, imported
of_imports = differences(before, state())

import numpy as np
from mmengine.logging import MMLogger, MessageHub
from mmengine.registry import DefaultScope
from mmhsi.datasets import SceneDataset
from mmhsi.config_files import load_config
from mmhsi.inference import SceneInferencer
from mmhsi.io import HSICube, open_cube, write_class_map, write_cube
from mmhsi.models.weights import load_weights, read_checkpoint, write_checkpoint
from mmhsi.registry import MODELS, import_mmpretrain
from mmhsi.visualization.png import save_png

folder = Path(sys.argv[1])
MMLogger.get_current_instance()
import_mmpretrain()  # torchvision sets things up
load_config(sys.argv[2])  # mmengine, rich and matplotlib set things up when they are first used
cube = HSICube(np.random.default_rng(0).integers(0, 99, (12, 14, 5)).astype("int16"))
write_cube(folder / "first.tif", cube)
before = state()
write_cube(folder / "scene.tif", cube)
with open_cube(folder / "scene.tif") as reader:
    reader.read((0, 0, 3, 3))
cfg = load_config(sys.argv[2])
model = dict(cfg.model)
with DefaultScope.overwrite_default_scope("mmhsi"):
    network = MODELS.build(model)
network.init_weights()
meta = dict(classes=["a", "b", "c"], bands=[0, 1, 2, 4], file_bands=5, label_ids=[1, 2, 3], window=[6, 6])
write_checkpoint(dict(state_dict=network.state_dict(), meta=dict(dataset_meta=meta)), folder / "model.pth")
read_checkpoint(folder / "model.pth")
load_weights(network, folder / "model.pth")
inferencer = SceneInferencer(sys.argv[2], folder / "model.pth", "cpu")
inferencer.write_map(folder / "scene.tif", folder / "map.tif", probabilities=folder / "p.tif")
SceneDataset(dict(image=str(folder / "scene.tif")), subset="all", window=1).band_statistics()
save_png(folder / "picture.png", np.zeros((4, 4, 3), "uint8"))
after = state()
for part in (before, after):  # weights of a network are drawn from torch's generator
    part.pop("random")
print("\\n" + json.dumps([of_imports, differences(before, after)]))
"""
)


def python(code: str, *arguments: object, **options: object) -> str:
    """Run code in a process of its own and give the last line that it prints."""
    done = run_command([sys.executable, "-c", code, *arguments], cwd=ROOT, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.rstrip().rpartition("\n")[2]


@pytest.mark.slow
def test_importing_every_module_and_calling_functions_changes_nothing(tmp_path):
    from mmengine.config import Config
    from scene_models import PIXEL

    Config(dict(model=PIXEL)).dump(tmp_path / "config.py")
    assert json.loads(python(IMPORTS_AND_CALLS, tmp_path, tmp_path / "config.py")) == [{}, {}]


@pytest.mark.parametrize("module", ["mmhsi", "mmhsi.errors", "mmhsi.arguments", "mmhsi.spec", "mmhsi.io"])
def test_files_are_read_without_torch_and_mmengine(module):
    code = f"import sys, {module}; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    assert not {"torch", "mmengine", "mmcv", "mmseg", "mmpretrain", "matplotlib"} & set(python(code).split())


@pytest.mark.slow
def test_datasets_models_and_engine_import_what_they_need():
    code = "import sys, mmhsi.datasets, mmhsi.models, mmhsi.engine; print(' '.join(sys.modules))"
    unneeded = {
        "transformers",
        "peft",
        "mmpretrain",
        "mmseg.models",
        "torchvision",
        "sklearn",
        "skimage",
        "matplotlib",
        "pyogrio",
        "pandas",
        "xarray",
        "modelindex",
    }
    # ``import scipy`` alone brings no part of it: the parts come when they are first used.
    unneeded |= {f"scipy.{part}" for part in ("io", "linalg", "ndimage", "optimize", "sparse", "spatial", "stats")}
    assert not unneeded & set(python(code).split())


BESIDE_TRANSFORMERS_5 = """
import importlib.metadata
import sys
from mmpretrain.utils import dependency

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("mmpretrain.models.multimodal.") or name == "mmpretrain.models.utils.huggingface":
            raise TypeError("NoneType takes no arguments")

sys.meta_path.insert(0, Broken())
dependency.WITH_MULTIMODAL = True  # as where pycocotools is there too
known = importlib.metadata.version
importlib.metadata.version = lambda name: "5.0.0" if name == "transformers" else known(name)
from mmengine.registry import DefaultScope
import mmhsi.datasets, mmhsi.engine, mmhsi.models
from mmhsi.registry import MODELS, registered

with DefaultScope.overwrite_default_scope("mmhsi"):
    model = MODELS.build(
        dict(
            type="PixelClassifier",
            backbone=dict(type="CNN2D", in_channels=4),
            neck=dict(type="mmpretrain.GlobalAveragePooling"),
            head=dict(type="mmpretrain.LinearClsHead", num_classes=3),
        )
    )
assert type(model.head) is registered(MODELS, "mmpretrain.LinearClsHead")
print(dependency.WITH_MULTIMODAL)
"""


@pytest.mark.slow
def test_models_of_mmpretrain_beside_a_transformers_that_it_does_not_know():
    assert python(BESIDE_TRANSFORMERS_5) == "True"
