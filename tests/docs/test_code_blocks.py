"""Every code block of the documentation is run, loaded or parsed, or says why not."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import processes
import pytest
import rasterio
from doc_blocks import ROOT, Block, blocks_of, commands, pages
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from scripts import command_line

import mmhsi.cli.options as options
import mmhsi.registry as registries
from mmhsi.cli.commands import TOOLS, find_tools
from mmhsi.datasets.simulation import simulate_scene, write_scene

BLOCKS = {str(page.relative_to(ROOT)): blocks_of(page) for page in pages()}
RUN = ("docs/get_started.md", "docs/tracking.md", *(name for name in BLOCKS if name.startswith("docs/extend/")))
"""Pages whose commands are run for real, one epoch each; those of the others are parsed."""
QUICK = "docs/extend/transform.md"
"""The page that is run by ``make test`` beside the first; the others take long."""
PARSED = re.compile(r"^<!-- commands are parsed, not run: \S.* -->$", re.M)
OTHERS = [name for name, blocks in BLOCKS.items() if blocks and name not in RUN]


class ParsedError(Exception):
    """Carries what a tool's parser made of a command, in place of running it."""


def write_envi_scene(folder: Path) -> None:
    """What the first guide describes: 218 good bands of 224, six classes, ENVI and a label GeoTIFF."""
    folder.mkdir(parents=True)
    scene = simulate_scene(height=32, width=40, bands=224, classes=6)
    place = dict(height=32, width=40, crs=scene.crs, transform=rasterio.Affine(*scene.transform))
    with rasterio.open(
        folder / "cube.bil", "w", driver="ENVI", count=224, dtype="int16", INTERLEAVE="BIL", **place
    ) as file:
        file.write(scene.cube.transpose(2, 0, 1).astype(np.int16))
    good = (np.arange(224) < 218).astype(int)
    with (folder / "cube.hdr").open("a") as header:
        header.write(f"wavelength units = Nanometers\nwavelength = {{{', '.join(map(str, scene.wavelengths))}}}\n")
        header.write(f"bbl = {{{', '.join(map(str, good))}}}\n")
    labels = np.random.default_rng(0).integers(0, 7, (32, 40)).astype(np.uint8)
    with rasterio.open(folder / "labels.tif", "w", driver="GTiff", count=1, dtype="uint8", **place) as file:
        file.write(labels, 1)


def shortened(args: argparse.Namespace) -> Config:
    """A tool's config with one epoch, whose checkpoint has the name of the last one."""
    cfg = FULL_CONFIG(args)
    cfg.default_hooks.checkpoint.filename_tmpl = f"epoch_{cfg.train_cfg.max_epochs}.pth"
    cfg.train_cfg.max_epochs = 1
    if "tta" in cfg.model:
        cfg.model.tta = False
    return cfg


FULL_CONFIG = options.runner_config


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A folder like a user's clone, with the files that blocks say they are."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "configs").mkdir()
    for path in (ROOT / "configs").iterdir():
        (folder / "configs" / path.name).symlink_to(path)
    (folder / "tools").symlink_to(ROOT / "tools")
    write_envi_scene(folder / "data/my_scene")
    write_scene(simulate_scene(40, 40, 64), folder / "data/demo")
    for block in (block for blocks in BLOCKS.values() for block in blocks if block.file):
        (folder / block.file).parent.mkdir(exist_ok=True)
        (folder / block.file).write_text(block.code)
    patch, before, environment = pytest.MonkeyPatch(), Path.cwd(), dict(os.environ)
    known = {name: set(getattr(registries, name).module_dict) for name in registries.__all__}
    patch.setattr(options, "runner_config", shortened)
    patch.syspath_prepend(str(folder))
    patch.delenv("MMHSI_DATA", raising=False)
    os.chdir(folder)
    yield folder
    os.chdir(before)
    patch.undo()
    os.environ.clear()
    os.environ.update(environment)
    for name, names in known.items():  # what the pages registered
        module_dict = getattr(registries, name).module_dict
        for added in set(module_dict) - names:
            if module_dict[added].__module__.startswith("my_project"):
                del module_dict[added]
    for name in [name for name in sys.modules if name.startswith("my_project")]:
        del sys.modules[name]


def run_command(words: list[str]) -> None:
    """Run a command: a tool of the repository in this process, anything else in a shell."""
    if words[:2] == ["python", "-c"]:
        exec(words[2], {})
        return
    if words[0] != "mmhsi":
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = processes.run_command(["bash", "-c", " ".join(words)], env=dict(os.environ, PATH=path))
        assert done.returncode == 0, (words, done.stderr)
        return
    with command_line(*words[1:]):
        runpy.run_path(str(find_tools()[words[1]]), run_name="__main__")


def types_in(node: object) -> set[str]:
    """Every ``type`` of a nested config."""
    if isinstance(node, dict):
        own = {node["type"]} if isinstance(node.get("type"), str) else set()
        return own.union(*map(types_in, node.values()))
    return set().union(*map(types_in, node)) if isinstance(node, list | tuple) else set()


def check_config(code: str, file: str | None) -> None:
    """Load a config or a part of one, and find all of its types."""
    if "_base_" in code:
        path = Path(file or "configs/my_scene/block.py")
        path.write_text(code)
        cfg = Config.fromfile(path)
    else:
        cfg = Config.fromstring(code, ".py")
    with DefaultScope.overwrite_default_scope("mmhsi"):
        for name in types_in(ConfigDict(cfg._cfg_dict).to_dict()):
            assert any(getattr(registries, registry).get(name) for registry in registries.__all__), name


def run_python(block: Block, scope: dict) -> None:
    """Run a Python block after the earlier ones of its page."""
    if block.is_config:
        check_config(block.code, block.file)
        if "_base_" not in block.code:
            exec(block.code, scope)  # later blocks may use its names
    elif block.file:
        importlib.import_module(block.file.removesuffix(".py").replace("/", "."))
    else:
        exec(compile(block.code, str(block), "exec"), scope)


def parse_command(words: list[str]) -> argparse.Namespace:
    """Let a tool parse its arguments, and stop it there."""
    original = argparse.ArgumentParser.parse_args

    def parse(self, *args):
        raise ParsedError(original(self, *args))

    with pytest.MonkeyPatch.context() as patch:
        for name in ("parse_args", "parse_intermixed_args"):
            patch.setattr(argparse.ArgumentParser, name, parse)
        patch.setattr(sys, "argv", words)
        module = runpy.run_path(str(ROOT / words[0]), run_name="documentation")
        with pytest.raises(ParsedError) as parsed:
            module["main"]()
    return parsed.value.args[0]


def check_command(words: list[str]) -> None:
    """Check a command without running it: its words, and the configs, options and checkpoints that it names."""
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
        return
    for word in words:
        if re.match(r"(configs|tools|benchmarks)/", word):
            assert Path(word).exists() or (ROOT / word).exists(), word
    words = words[words.index("mmhsi") if words[0] in ("torchrun", "srun") else 0 :]
    if words[0] == "mmhsi":
        words = ["python", str(find_tools()[words[1]].relative_to(TOOLS.parent)), *words[2:]]
    script = words[words[0] in ("bash", "sh")]
    if script.endswith(".sh"):
        assert processes.run_command(["bash", "-n", ROOT / script]).returncode == 0
        return
    assert words[0] == "python", f"{' '.join(words)}: is neither run nor marked"
    args = parse_command(words[1:])
    if not getattr(args, "config", "") or not args.config.endswith(".py"):
        return
    cfg = Config.fromfile(args.config)
    for key in getattr(args, "cfg_options", None) or {}:
        node = cfg
        for part in key.split(".")[:-1]:
            if part in ("init_cfg", "loss_scale") and part not in node:
                break  # arguments with a default
            part = int(part) if isinstance(node, list) else part
            assert part in (range(len(node)) if isinstance(node, list) else node), f"{args.config} has no {key}"
            node = node[part]
    epoch = re.search(r"epoch_(\d+)\.pth$", str(getattr(args, "checkpoint", "")))
    if epoch and Path(args.config).stem in args.checkpoint:
        assert int(epoch[1]) <= cfg.train_cfg.max_epochs, words


def test_every_block_is_python_or_shell_or_says_why_not():
    blocks = [block for page in BLOCKS.values() for block in page]
    assert len(blocks) > 40
    assert not [str(block) for block in blocks if block.language not in ("python", "shell") and not block.reason]


def run_page(name: str) -> None:
    scope: dict = {}
    for block in BLOCKS[name]:
        if block.reason:
            continue
        if block.language == "python":
            run_python(block, scope)
        else:
            for words in commands(block.code):
                run_command(words)


@pytest.fixture(scope="module")
def started(sandbox) -> Path:
    """The first guide, run from its first to its last block."""
    run_page("docs/get_started.md")
    return sandbox


def test_get_started_gives_a_georeferenced_map(started):
    with rasterio.open(started / "map.tif") as written, rasterio.open(started / "data/my_scene/cube.bil") as scene:
        assert written.shape == scene.shape
        assert written.crs == scene.crs
        assert written.transform == scene.transform
        assert set(np.unique(written.read(1))) <= set(range(1, 7))
    assert (started / "work_dirs/trees/report.html").is_file()
    assert (started / "work_dirs/mae-ft/epoch_100.pth").is_file()


@pytest.mark.parametrize(
    "name", [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in RUN[1:]]
)
def test_page_runs(name, started):
    run_page(name)


@pytest.mark.slow
def test_tensorboard_gets_the_curves(started):
    if not list(started.glob("work_dirs/cnn-tensorboard/*/vis_data/events.out.tfevents*")):
        run_page("docs/tracking.md")
    assert list(started.glob("work_dirs/cnn-tensorboard/*/vis_data/events.out.tfevents*"))


@pytest.mark.parametrize("name", OTHERS)
def test_page_holds(name, started):
    scope: dict = {}
    for block in BLOCKS[name]:
        if block.reason:
            continue
        if block.language == "python":
            run_python(block, scope)
        else:
            assert PARSED.search((ROOT / name).read_text()), f"{name} does not say why its commands are not run"
            for words in commands(block.code):
                check_command(words)


def test_configs_named_in_the_text_exist():
    written = {block.file for blocks in BLOCKS.values() for block in blocks}
    for page in pages():
        for name in re.findall(r"`((?:configs|tools|benchmarks|tests)/[\w./-]+\.(?:py|sh))`", page.read_text()):
            assert name in written or (ROOT / name).is_file(), f"{page.name}: {name}"
