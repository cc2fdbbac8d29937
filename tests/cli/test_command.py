"""What a command says of an error: one line and an exit status."""

import json
import re
import subprocess
import sys

import pytest
from scripts import command_line
from torch.utils.data import DataLoader, Dataset

from mmhsi.cli import console
from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.commands import find_tools
from mmhsi.errors import DataError, MMHSIError


class Failing(Dataset):
    """Every sample raises."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise self.error


def said(capsys, main, status=2):
    with pytest.raises(SystemExit) as stop, command_line(*sys.argv):
        run(main)
    assert stop.value.code == status
    return capsys.readouterr().err


@pytest.mark.parametrize("text", ["scene.tif: is cut: rows 3 to 9", "line\nbreak.tif: is cut"])
def test_an_error_of_a_worker_is_its_last_line(capsys, text):
    loader = DataLoader(Failing(DataError(text)), num_workers=1)
    assert said(capsys, lambda: list(loader)) == f"error: {text}\n".replace("e\nb", "e\\nb")


@pytest.mark.skipif(sys.platform != "linux", reason="tensors are handed over by descriptors")
def test_a_worker_that_dies_while_it_hands_over_a_tensor(capsys, monkeypatch):
    def broken(_):
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("multiprocessing.reduction.recv_handle", broken)
    loader = DataLoader([1.0, 2.0], num_workers=1)
    assert said(capsys, lambda: list(loader), 1).startswith("error: a process that loads data was killed")


def test_a_server_that_breaks_off_is_no_worker(capsys):
    loader = DataLoader(Failing(ConnectionResetError(104, "Connection reset by peer")), num_workers=0)
    assert "was killed" not in said(capsys, lambda: list(loader))


def test_a_missing_file_in_a_worker(capsys):
    loader = DataLoader(Failing(FileNotFoundError("scene.tif is gone")), num_workers=1)
    assert said(capsys, lambda: list(loader)) == "error: scene.tif is gone\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "a.py"), "a.py: Permission denied"),
        (MemoryError("Unable to allocate 9 TiB"), "out of memory: Unable to allocate 9 TiB"),
        (MMHSIError("a\nb\x1b[31mc"), "a\\nb\\x1b[31mc"),
    ],
)
def test_other_errors_are_one_line(capsys, error, line):
    def main():
        raise error

    assert said(capsys, main) == f"error: {line}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is the system's")
def test_what_nobody_thought_of_is_one_line_with_its_place(capsys):
    def main():
        raise KeyError("a\nb")

    line = said(capsys, main, 1)
    assert line.startswith("error: KeyError in cli/test_command.py, line ")
    assert line.endswith("; --debug shows more\n")
    assert len(line.splitlines()) == 1


def test_a_full_disk_is_one_line(tmp_path):
    """Of a file that may not grow libtiff and GDAL say what they say of a full disk, and would say it on stderr."""
    code = (
        "import numpy as np, resource\n"
        "from mmhsi.cli.command import run\n"
        "from mmhsi.io import HSICube, write_cube\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "noise = np.random.default_rng(0).integers(0, 9999, (99, 99, 6), dtype='int16')\n"
        f"run(lambda: write_cube({str(tmp_path / 'cube.tif')!r}, HSICube(noise)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert "cube.tif: cannot write" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_that_no_generator_takes(capsys, seed):
    parser = tool_parser("Draws.", "mmhsi draw")
    parser.add_argument("--seed", type=int)
    line = f"error: seed={seed} given, expected a whole number from 0 to 4294967295\n"
    assert said(capsys, lambda: parser.parse_args(["--seed", seed])) == line
    assert parser.parse_args(["--seed", "4294967295"]).seed == 2**32 - 1
    parser.add_argument("--seeds", type=int, nargs="+")
    assert said(capsys, lambda: parser.parse_args(["--seeds", "3", seed])) == line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a", "--sede", "1"], "unrecognized arguments: --sede 1; nearest: '--seed', '--debug'"),
        (["a", "b"], "unrecognized arguments: b"),
        ([], "the following arguments are required: config"),
        (
            ["--sede=1"],
            "the following arguments are required: config; no option is named --sede; nearest: '--seed', '--debug'",
        ),
        (["a", "--seed", "one"], "argument --seed: invalid int value: 'one'"),
    ],
)
def test_wrong_arguments_are_one_line(capsys, words, line):
    def main():
        parser = tool_parser("Trains.", "mmhsi train config.py")
        parser.prog = "mmhsi train"
        parser.add_argument("config")
        parser.add_argument("--seed", type=int)
        parser.parse_args(words)

    assert said(capsys, main) == f"error: {line}; mmhsi train --help shows what there is\n"


def test_the_demo_shows_nothing_beside_the_command_that_it_runs(run_tool, tmp_path, monkeypatch):
    """Two lines that move spoil each other on a terminal."""
    waited = []
    monkeypatch.setattr(console, "live", lambda: True)

    def start(words, **_):
        waited.append(list(console._WAITING))
        return subprocess.CompletedProcess(words, 1)

    monkeypatch.setattr(subprocess, "run", start)
    assert run_tool("demo", "--out", tmp_path / "demo") == 2
    assert waited == [[]]


FILES_THAT_ARE_READ = {
    "browse_report": ([".", "--scene", "a.npy", "--map", "gone.tif"], "gone.tif"),
    "class_weights": (["gone.py"], "gone.py"),
    "classify": (["gone.hdr", "a.npy", "--out", "m.tif"], "gone.hdr"),
    "embed": (["a.npy", "gone.tif", "--out", "m.tif"], "gone.tif"),
    "export": (["gone.pth", "--out", "m.onnx"], "gone.pth"),
    "fit_pca": (["gone.py", "--components", "3", "--out", "m.npz"], "gone.py"),
    "get_flops": (["gone.py"], "gone.py"),
    "labels": (["a.npy", "gone.gpkg", "--out", "m.tif"], "gone.gpkg"),
    "predict": (["gone.pth", "a.npy", "--out", "m.tif"], "gone.pth"),
    "probe_features": (["gone.py"], "gone.py"),
    "publish_model": (["gone.py", "a.npy", "--out", "m.pth"], "gone.py"),
    "score": (["gone.tif", "--dataset", "salinas-a_5-per-class"], "gone.tif"),
    "show_areas": (["gone.tif", "--out", "m.png"], "gone.tif"),
    "show_attention": (["gone.py", "a.npy", "--out", "m.png"], "gone.py"),
    "show_bands": (["gone.tif", "a.npy", "--out", "m.png"], "gone.tif"),
    "show_embedding": (["gone.py", "a.npy", "--out", "m.png"], "gone.py"),
    "show_features": (["gone.py", "a.npy", "--out", "m.png"], "gone.py"),
    "show_map": (["a.npy", "gone.tif", "--out", "m.png"], "gone.tif"),
    "show_report": (["gone.json"], "gone.json"),
    "show_spectra": (["a.npy", "gone.tif", "--out", "m.png"], "gone.tif"),
    "show_split": (["gone.py", "--out", "m.png"], "gone.py"),
    "spectral_baselines": (["gone.py"], "gone.py"),
    "strip_pruned": (["gone.pth", "--out", "m.pth"], "gone.pth"),
    "suggest": (["a.npy", "gone.tif", "--out", "m.gpkg"], "gone.tif"),
    "test": (["gone.py", "a.npy"], "gone.py"),
    "toulouse_labels": (["gone.shp", "a.npy"], "gone.shp"),
    "train": (["gone.py"], "gone.py"),
    "trust_checkpoint": (["gone.pth", "--out", "m.pth"], "gone.pth"),
    "weights": (["convert", "dofa-vit-b", "gone.pth"], "gone.pth"),
}
NO_FILES = {"completion", "demo", "download_dataset", "make_demo_scene"}
WITHOUT_LIBRARIES = """
import json, sys
for name in ("torch", "mmengine.runner", "sklearn", "matplotlib"):
    sys.modules[name] = None
from mmhsi.__main__ import main
for tool, words in json.loads(sys.argv[1]):
    sys.argv = ["mmhsi", tool, *words]
    try:
        main()
    except SystemExit as error:
        print(tool, error.code)
"""
"""Runs commands where what takes seconds to import cannot be."""


def without_libraries(commands, folder):
    """Status of each command by its name, and the lines that were said."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES, json.dumps(commands)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split() for line in done.stdout.splitlines()), done.stderr.splitlines()


def test_every_command_says_at_once_which_file_is_missing(tmp_path):
    assert FILES_THAT_ARE_READ.keys() | NO_FILES == find_tools().keys()
    (tmp_path / "a.npy").write_bytes(b"anything")
    commands = [(name, words) for name, (words, _) in FILES_THAT_ARE_READ.items()]
    statuses, lines = without_libraries(commands, tmp_path)
    assert statuses == dict.fromkeys(FILES_THAT_ARE_READ, "2")
    for (name, (_, missing)), line in zip(FILES_THAT_ARE_READ.items(), lines, strict=True):
        assert re.match(rf"error: {missing}: no such (file|config)", line), (name, line)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["cub.npy", "cube.npy", "--out", "map.tif"], "cub.npy: no such file; nearest: 'cube.npy'; expected a GeoTIFF"),
        (["cube.npy", "cube.npy", "--out", "map.tif", "--white", "gone.hdr"], "gone.hdr: no such file"),
        (
            ["cube.npy", "cube.npy", "--out", "m.tif", "--pretrained", "gone.pth"],
            "gone.pth: no such file; expected a c",
        ),
        (["cube.npy", "cube.npy", "--out", "map.tif", "--minutes", "-1"], "--minutes -1: expected more than 0"),
    ],
)
def test_what_is_not_there_is_said_before_the_libraries_are_imported(words, line, tmp_path):
    (tmp_path / "cube.npy").write_bytes(b"anything")
    statuses, lines = without_libraries([("classify", words)], tmp_path)
    assert statuses == dict(classify="2")
    assert lines[0].startswith(f"error: {line}")


def test_options_are_not_cut_short_and_those_of_sub_commands_name_the_nearest(tmp_path):
    commands = [
        ("suggest", ["a", "b", "--out", "c.gpkg", "--coun", "3"]),
        ("weights", ["get", "dofa-vit-b", "--revison", "3"]),
    ]
    _, lines = without_libraries(commands, tmp_path)
    assert [line.split("; mmhsi")[0] for line in lines] == [
        "error: unrecognized arguments: --coun 3; nearest: '--count', '--out'",
        "error: unrecognized arguments: --revison 3; nearest: '--revision'",
    ]
