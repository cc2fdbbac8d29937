"""The commands: their options, and one clear line for bad input."""

import json
import re
import sys
import weakref

import numpy as np
import pytest
import rasterio
import scripts
import torch
from mmengine.config import Config
from PIL import Image
from processes import run_command
from scripts import REPOSITORY
from sklearn.decomposition import PCA
from small_models import shrink

from mmhsi.config_files import load_config
from mmhsi.datasets import FileSplit, SceneDataset
from mmhsi.engine import set_seed
from mmhsi.inference.feature_extractor import FeatureExtractor
from mmhsi.io.lock import hold
from mmhsi.models.weights import read_checkpoint
from mmhsi.visualization.feature_figures import PrincipalColours

PRETRAIN = "configs/mae/mae_hsi-vit-tiny-p3_demo.py"
SCENE = "train_dataloader.dataset.scene"
FINETUNE = "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"


def small(path, config, **changes):
    """A config with a smaller model, written to a file."""
    cfg = shrink(Config.fromfile(config))
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint.interval = 1
    cfg.merge_from_dict(changes)
    cfg.dump(path)
    return path


def weights(path):
    return read_checkpoint(path)["state_dict"]


def test_averaged_weights_are_what_is_reported(run_tool, generated_data, tmp_path, monkeypatch):
    """mmengine's test would begin the average anew; weights that hardly left the first ones tell them apart."""
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    ema = {"default_hooks.ema": dict(type="EMAHook", momentum=0.05)}
    config = small(tmp_path / "c.py", FINETUNE, **{"model.backbone.init_cfg": None, "train_cfg.max_epochs": 4}, **ema)
    assert run_tool("train", config, "--work-dir", tmp_path / "w", "--report", tmp_path / "a.json") == 0
    checkpoint = tmp_path / "w/epoch_4.pth"
    assert run_tool("test", config, checkpoint, "--work-dir", tmp_path / "t", "--out", tmp_path / "b.json") == 0
    found, expected = (json.loads((tmp_path / name).read_text())["metrics"] for name in ("a.json", "b.json"))
    assert found == expected
    raw = torch.load(checkpoint, map_location="cpu", weights_only=False)
    raw["state_dict"] = {key.removeprefix("module."): value for key, value in raw.pop("ema_state_dict").items()}
    raw["state_dict"].pop("steps")
    torch.save(raw, tmp_path / "raw.pth")
    assert (
        run_tool("test", config, tmp_path / "raw.pth", "--work-dir", tmp_path / "u", "--out", tmp_path / "c.json") == 0
    )
    assert json.loads((tmp_path / "c.json").read_text())["metrics"] != found


@pytest.fixture(scope="module")
def trained(generated_data, tmp_path_factory):
    """A config and the work dir of its two epochs."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        patch.setenv("MMHSI_DATA", str(generated_data))
        config = small(folder / "c.py", FINETUNE, **{"model.backbone.init_cfg": None})
        assert scripts.run_tool("train", config, "--work-dir", folder / "w") == 0
    return config, folder / "w"


def test_the_chain_from_scene_to_map(run_tool, place, tmp_path, capsys):
    pretrain = small(tmp_path / "pretrain.py", PRETRAIN, **{"train_dataloader.dataset.stride": 3})
    assert run_tool("train", pretrain, "--work-dir", tmp_path / "p", "--seed", 3) == 0
    finetune = small(tmp_path / "finetune.py", FINETUNE)
    pretrained = f"model.backbone.init_cfg.checkpoint={tmp_path / 'p/epoch_2.pth'}"
    assert run_tool("train", finetune, "--work-dir", tmp_path / "f", "--seed", 1, "--cfg-options", pretrained) == 0
    report = tmp_path / "report.json"
    checkpoint = tmp_path / "f/epoch_2.pth"
    assert run_tool("test", finetune, checkpoint, "--work-dir", tmp_path / "t", "--seed", 1, "--out", report) == 0
    written = json.loads(report.read_text())
    kept = FileSplit(str(tmp_path / "f/split.npz"))
    assert "seed 1" in np.load(kept.path)["protocol"].item()
    assert "seed 1" in written["protocol"]
    assert np.sum(written["confusion_matrix"]) == sum(entry["pixels"] for entry in written["classes"])
    cube, labels = place / "demo/demo_cube.tif", place / "demo/demo_labels.tif"
    arguments = ["--out", tmp_path / "map.tif", "--png", tmp_path / "map.png", "--labels", labels]
    assert run_tool("predict", finetune, checkpoint, cube, *arguments, "--uncertainty", tmp_path / "doubt.tif") == 0
    assert "doubt.tif" in capsys.readouterr().out
    assert run_tool("predict", finetune, "none.pth", cube, "--out", finetune / "map.tif") == 2
    assert "its folder cannot be written to" in capsys.readouterr().err
    with rasterio.open(tmp_path / "map.tif") as classes, rasterio.open(cube) as scene:
        assert classes.shape == scene.shape
        assert classes.crs == scene.crs
        assert 1 <= classes.read(1).min() <= classes.read(1).max() <= 8
    assert (tmp_path / "map.png").stat().st_size > 5000
    assert run_tool("converters/publish_model", finetune, checkpoint, "--out", tmp_path / "model.pth") == 0
    (published,) = tmp_path.glob("model-*.pth")
    assert published.stat().st_size < checkpoint.stat().st_size / 2
    card = published.with_suffix(".md").read_text()
    assert card.startswith(f"# {published.name}\n")
    for known in ("56 of the file's 64", "seed 1", "Classes: ", "*to be filled in*", "Limits"):
        assert known in card
    assert run_tool("predict", published, cube, "--out", tmp_path / "again.tif") == 0
    with rasterio.open(tmp_path / "map.tif") as one, rasterio.open(tmp_path / "again.tif") as other:
        np.testing.assert_array_equal(one.read(), other.read())
    capsys.readouterr()
    assert run_tool("embed", published, cube, "--out", tmp_path / "features.tif", "--pca", 3) == 0
    assert re.search(r"3 components hold \d+\.\d % of the variance\n.*features.tif, 3 a pixel", capsys.readouterr().out)
    with rasterio.open(tmp_path / "features.tif") as features, rasterio.open(cube) as scene:
        assert (features.shape, features.crs, features.count) == (scene.shape, scene.crs, 3)
    assert run_tool("embed", published, cube, "--out", tmp_path / "features.png") == 2
    with hold(tmp_path / "held.tif.partial", "output", "another"):
        assert run_tool("embed", published, cube, "--out", tmp_path / "held.tif") == 2
    assert "one of .tif, .tiff, .zarr" in capsys.readouterr().err
    assert run_tool("converters/export", published, "--out", tmp_path / "model.pt2") == 0
    assert "windows of 9x9, any batch" in capsys.readouterr().out


@pytest.fixture
def maps_seen(monkeypatch):
    """Sizes of the maps that features come from; no more than two of them are there at a time."""
    alive, sizes = [], []
    batches = FeatureExtractor.batches

    def watched_maps(self, dataset, size):
        for batch, maps in batches(self, dataset, min(size, 16)):
            values = maps.numpy().copy()
            alive.append(weakref.ref(values))
            sizes.append(len(values))
            yield batch, torch.from_numpy(values)
            assert sum(each() is not None for each in alive) <= 2  # of whole maps only their middles are kept

    monkeypatch.setattr(FeatureExtractor, "batches", watched_maps)
    return sizes


def test_of_a_scene_features_of_the_pixels_shown_alone_are_computed(place, tmp_path, trained, monkeypatch, maps_seen):
    shown = []

    def kept(out, features, labels, *_):
        shown.append((features["after training"], labels))
        return {}

    monkeypatch.setattr("mmhsi.visualization.embedding.save_embedding_figure", kept)
    config, checkpoint = trained[0], trained[1] / "epoch_2.pth"
    arguments = ("--out", tmp_path / "e.png", "--count", "50", "--seed", "3")
    with scripts.command_line("show_embedding.py", config, checkpoint, *arguments):
        scripts.load_script("tools/analysis/show_embedding.py").main()
    assert sum(maps_seen) == 2 * 50
    ((features, labels),) = shown
    cfg = load_config(config)
    set_seed(cfg, 3)
    extractor = FeatureExtractor(cfg, checkpoint)
    every = extractor.labelled(extractor.dataset("test_dataloader"))
    chosen = np.sort(np.random.default_rng(3).choice(len(every.labels), 50, replace=False))
    np.testing.assert_allclose(features, every.features[chosen], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(labels, every.labels[chosen])


def test_features_of_a_large_scene_are_those_of_some_of_its_rows_and_columns(
    place, tmp_path, trained, monkeypatch, capsys, maps_seen
):
    shown = []

    class First(PrincipalColours):
        """The first three features as they are."""

        def __init__(self, features):
            self.mean, self.directions = 0, np.eye(features.shape[1])[:, :3]

        @staticmethod
        def shown(scores):
            return np.rint(20 * scores).astype(np.int64) % 200

    monkeypatch.setattr("mmhsi.visualization.feature_figures.PrincipalColours", First)
    monkeypatch.setattr(
        "mmhsi.visualization.feature_figures.save_feature_figure", lambda out, pairs, _: shown.append(*pairs)
    )
    for most in (1000, 20):
        module = scripts.load_script("tools/analysis/show_features.py")
        module.MOST_PIXELS = most
        with scripts.command_line(
            "show_features.py", trained[0], trained[1] / "epoch_2.pth", "--out", tmp_path / "f.png"
        ):
            module.main()
    (_, whole), (picture, some) = shown
    step = -(-max(whole.shape[:2]) // 20)
    assert step > 1
    assert f"one in {step} rows and columns" in capsys.readouterr().out
    assert some.shape == picture.shape == whole[::step, ::step].shape
    np.testing.assert_array_equal(some, whole[::step, ::step])
    assert len(maps_seen) > 8


def test_principal_components_of_a_scene_in_a_file_are_those_of_one_in_memory(place, tmp_path, run_tool, monkeypatch):
    config = small(tmp_path / "c.py", FINETUNE)
    assert run_tool("analysis/fit_pca", config, "--components", 3, "--out", tmp_path / "held.npz") == 0
    monkeypatch.setattr("mmhsi.datasets.scene.held_in_memory", lambda *_: False)
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))
    given_back = []
    monkeypatch.setattr("mmhsi.io.memory.let_go", given_back.append)
    assert run_tool("analysis/fit_pca", config, "--components", 3, "--out", tmp_path / "mapped.npz") == 0
    assert len(given_back) == len(given_back[0])  # after every row
    assert all(isinstance(values, np.memmap) for values in given_back)
    held, mapped = np.load(tmp_path / "held.npz"), np.load(tmp_path / "mapped.npz")
    for name in held:
        np.testing.assert_array_equal(held[name], mapped[name])


def test_a_resumed_run_equals_an_uninterrupted_one(run_tool, place, tmp_path, trained):
    config, whole = trained
    assert run_tool("train", config, "--work-dir", tmp_path / "again", "--resume", whole / "epoch_1.pth") == 0
    one, two = (weights(folder / "epoch_2.pth") for folder in (whole, tmp_path / "again"))
    assert all(torch.equal(one[key], two[key]) for key in one)
    # A config that a resumed run, or one that was refused, has left in its work dir: a test resumes nothing.
    options = ("--cfg-options", "resume=True", "optim_wrapper.optimizer.lr=0.5", "train_dataloader.batch_size=3")
    where = ("--work-dir", tmp_path / "again", "--out", tmp_path / "again/report.json")
    assert run_tool("test", config, whole / "epoch_2.pth", *where, *options) == 0


def test_amp_and_no_validate(run_tool, place, tmp_path):
    config = small(tmp_path / "c.py", FINETUNE, **{"model.backbone.init_cfg": None})
    assert run_tool("train", config, "--work-dir", tmp_path / "w", "--amp", "--no-validate") == 0
    assert all(value.isfinite().all() for value in weights(tmp_path / "w/epoch_2.pth").values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([f"{SCENE}._delete_=True", f"{SCENE}.base=demo", f"{SCENE}.image=none.tif"], "none.tif: no such file"),
        (["train_dataloader.dataset.window=99"], "window 99"),
        (
            [f"{SCENE}._delete_=True", f"{SCENE}.base=demo", f"{SCENE}.label_ids=[1,2,3,4,5,6,7,9]"],
            "label id 8",
        ),
        (
            ["model.data_preprocessor.num_bands=31", "model.backbone.in_channels=31"],
            "num_bands=31 in",
        ),
        (["train_dataloader.dataset.split.per_class=0"], "per_class=0"),
        (["model.backbone.init_cfg.checkpoint=none.pth"], "none.pth: no such file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run_tool, place, tmp_path, capfd, options, message):
    extra = [] if "init_cfg" in options[0] else ["model.backbone.init_cfg=None"]
    status = run_tool("train", FINETUNE, "--work-dir", tmp_path / "w", "--cfg-options", *options, *extra)
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert status == 2
    assert last.startswith("error: ")
    assert message in last
    assert not list((tmp_path / "w").glob("*.pth"))


def test_truncated_scene_leaves_no_map(run_tool, place, tmp_path, trained, capfd):
    config, work_dir = trained
    whole = (place / "demo/demo_cube.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    status = run_tool("predict", config, work_dir / "epoch_2.pth", tmp_path / "cut.tif", "--out", tmp_path / "m.tif")
    assert status == 2
    assert "cut.tif" in capfd.readouterr().err.strip().splitlines()[-1]
    assert not list(tmp_path.glob("*m.tif*"))


def test_testing_a_pretraining_config_says_so(run_tool, place, tmp_path, capfd):
    (tmp_path / "a.pth").touch()
    assert run_tool("test", PRETRAIN, tmp_path / "a.pth", "--work-dir", tmp_path) == 2
    assert "has no test_dataloader" in capfd.readouterr().err


def test_fit_pca_to_a_scene_and_to_tiles(run_tool, place, tmp_path, capsys):
    assert run_tool("analysis/fit_pca", PRETRAIN, "--components", 3, "--out", tmp_path / "a.npz") == 0
    scene = SceneDataset(scene="demo", data_root=place, subset="all")
    oracle = PCA(3).fit(scene.cube.data.reshape(-1, 56).astype(float))
    with np.load(tmp_path / "a.npz") as fitted:
        np.testing.assert_allclose(fitted["explained_variance"], oracle.explained_variance_, rtol=1e-6)
    tiles = tmp_path / "tiles.py"
    tiles.write_text(
        "train_dataloader = dict(dataset=dict(type='TileDataset', data_root='" + str(place / "demo") + "', with_labels="
        "False, scene=dict(image='demo_cube.tif'), window=10, "
        "pipeline=[dict(type='LoadCube'), dict(type='PCAProject', file='x')]))"
    )
    assert run_tool("analysis/fit_pca", tiles, "--components", 3, "--out", tmp_path / "b.npz") == 0
    with np.load(tmp_path / "b.npz") as fitted:
        np.testing.assert_allclose(fitted["explained_variance"], oracle.explained_variance_, rtol=1e-4)
    assert "3 of them" in capsys.readouterr().out


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "tool", [["class_weights"], ["fit_pca", "--components", 3, "--out", "x.npz"], ["show_split", "--out", "x.png"]]
)
def test_a_config_without_training_data(run_tool, capfd, tool):
    assert run_tool(f"analysis/{tool[0]}", "configs/_base_/default_runtime.py", *tool[1:]) == 2
    assert "default_runtime.py: has no train_dataloader" in capfd.readouterr().err


def test_missing_config(run_tool, capfd):
    assert run_tool("train", "configs/none.py") == 2
    assert "configs/none.py" in capfd.readouterr().err


def test_import_is_light_and_silent(repository):
    code = "import sys, mmhsi, mmhsi.registry; print([m for m in ('mmseg', 'mmpretrain', 'mmcv') if m in sys.modules])"
    done = run_command([sys.executable, "-c", "import mmhsi"], cwd=repository)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run_command([sys.executable, "-c", code], cwd=repository)
    assert done.returncode == 0, done.stderr
    assert "mmseg" not in done.stdout
    assert "mmpretrain" not in done.stdout


def test_features_are_probed_and_shown(run_tool, place, tmp_path, trained, capsys):
    finetune, checkpoint, out = trained[0], trained[1] / "epoch_2.pth", tmp_path / "probe.json"
    assert run_tool("analysis/probe_features", finetune, checkpoint, "--out", out) == 0
    report = json.loads(out.read_text())
    assert report["methods"]["knn"]["OA"] > 30  # eight classes
    assert "seed 0" in report["protocol"]
    assert "linear" in capsys.readouterr().out
    assert run_tool("analysis/show_features", finetune, checkpoint, "--out", tmp_path / "features.png") == 0
    assert min(Image.open(tmp_path / "features.png").size) > 500
    attention = tmp_path / "attention.png"
    assert run_tool("analysis/show_attention", finetune, checkpoint, "--out", attention, "--size", 15) == 0
    assert attention.is_file()
    pretrain = small(tmp_path / "pretrain.py", PRETRAIN)
    assert run_tool("analysis/probe_features", pretrain, checkpoint) == 2
    assert "has no test_dataloader" in capsys.readouterr().err
