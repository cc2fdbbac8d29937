"""No command writes over what it reads, whatever links lead there; nothing is begun where a result cannot be put."""

import os
import re
import sys
from threading import Thread

import numpy as np
import pytest
from cube_files import write_envi, write_geotiff
from processes import run_command
from scripts import REPOSITORY

from mmhsi.cli.command import WrittenFile
from mmhsi.cli.commands import find_tools, parser_of
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.destinations import check_outputs
from mmhsi.io.lock import hold, hold_outputs

CUBE = np.arange(6 * 7 * 4, dtype=np.int16).reshape(6, 7, 4)
NAMES = re.compile(r"^(out|png|vector|report|probabilities|uncertainty)$")
READ = {("show_report", "report"), ("browse_report", "report"), ("browse_report", "uncertainty")}
FOLDERS = {"demo", "make_demo_scene", "embed"}  # of embed, Zarr's


@pytest.mark.parametrize("name", [name for name in find_tools() if name not in ("completion", "weights")])
def test_options_that_name_a_result_are_known_as_such(name):
    parser, _ = parser_of(name)
    found = {action.dest for action in parser._actions if NAMES.match(action.dest)}
    written = {
        action.dest
        for action in parser._actions
        if isinstance(action.type, type) and issubclass(action.type, WrittenFile)
    }
    assert written == {dest for dest in found if (name, dest) not in READ and name not in FOLDERS}


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_geotiff(tmp_path / "cube.tif", CUBE)
    write_envi(tmp_path / "scene.img", CUBE, "bsq")
    (tmp_path / "fields.csv").write_text("row,column,class\n0,0,a\n3,3,b\n")
    (tmp_path / "link.tif").symlink_to("cube.tif")
    os.link("cube.tif", "hard.tif")
    for name in ("model.pth", "config.py", "report.json", "doubt.tif", "map.tif"):
        (tmp_path / name).write_text("not looked at")
    return {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}


COMMANDS = [
    "labels cube.tif fields.csv --out cube.tif",
    "labels cube.tif fields.csv --out link.tif",
    "labels link.tif fields.csv --out cube.tif",
    "labels cube.tif fields.csv --out hard.tif",
    "labels cube.tif fields.csv --out ./x/../fields.csv",
    "labels scene.hdr fields.csv --out scene.img",
    "labels scene.img fields.csv --out scene.hdr",
    "suggest cube.tif doubt.tif --out doubt.tif",
    "classify cube.tif fields.csv --out fields.csv",
    "classify cube.tif fields.csv --out a.tif --report cube.tif",
    "predict model.pth cube.tif --out model.pth",
    "predict config.py model.pth cube.tif --out a.tif --png config.py",
    "score map.tif --dataset demo --method a --source b --out map.tif",
    "train config.py --report config.py",
    "test config.py model.pth --out model.pth",
    "converters/export model.pth --out model.pth",
    "converters/publish_model config.py model.pth --out model.pth",
    "converters/strip_pruned model.pth --out model.pth",
    "converters/trust_checkpoint model.pth --out model.pth",
    "analysis/show_report report.json --out report.json",
    "analysis/show_map cube.tif map.tif --out map.tif",
    "analysis/show_spectra cube.tif map.tif --out map.tif",
]


@pytest.mark.parametrize(
    "command",
    [
        "labels cube.tif fields.csv --out m.png",
        "classify cube.tif fields.csv --out m.png",
        "classify cube.tif fields.csv --out a.tif --uncertainty m.png",
        "predict model.pth cube.tif --out m.png",
        "predict model.pth cube.tif --out a.tif --probabilities m.png",
    ],
)
def test_a_geotiff_has_the_name_of_one(inputs, tmp_path, run_tool, capsys, command):
    assert run_tool(*command.split()) == 2
    assert capsys.readouterr().err == "error: m.png: a GeoTIFF is written; expected a name that ends in .tif or .tiff\n"
    assert {path.name for path in tmp_path.iterdir()} == set(inputs)


WITHOUT_TORCH = "import runpy, sys; sys.modules['torch'] = None; runpy.run_path(sys.argv.pop(1), run_name='__main__')"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("classify cube.tif fields.csv --out a.tif --models extratrees", "models: 'extratrees' is unknown"),
        ("classify cube.tif fields.csv --out a.tif --vector a.kml", "a.kml: a vector file is written; expected"),
        ("classify cube.tif fields.csv --out a.tif --report a.pdf", "a.pdf: a report is written; expected"),
        (
            "classify cube.tif fields.csv --out a.tif --folds 1",
            "--folds: 1 given, expected a whole number of at least 2",
        ),
        ("predict model.pth cube.tif --out a.tif --vector a.kml", "a.kml: a vector file is written; expected"),
        ("predict model.pth cube.tif --out a.tif --png a.jpg", "a.jpg: a picture is written; expected"),
        ("predict model.pth cube.tif --out a.tif --stride 0", "--stride: 0 given, expected a whole number"),
        ("embed model.pth cube.tif --out a.png", "a.png: "),
        ("suggest cube.tif map.tif --out a.kml", "a.kml: a vector file is written; expected"),
        ("score map.tif --dataset nothing", "--dataset nothing: no such data"),
        ("converters/export model.pth --out a.pt", "a.pt: a model is written; expected"),
        ("analysis/show_map cube.tif map.tif --out a.jpg", "a.jpg: a picture is written; expected"),
    ],
)
def test_arguments_are_checked_before_anything_slow_is_imported(inputs, tmp_path, command, said):
    tool, *arguments = command.split()
    script = [sys.executable, "-c", WITHOUT_TORCH, REPOSITORY / f"tools/{tool}.py", *arguments]
    done = run_command(script, cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(REPOSITORY)))
    (line,) = done.stderr.splitlines()
    assert said in line
    assert done.returncode == 2
    assert {path.name for path in tmp_path.iterdir()} == set(inputs)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_input_is_written_over(inputs, tmp_path, run_tool, capsys, command):
    assert run_tool(*command.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"error: \S+: is an input, or a part of one, and would be written over; .+", line), line
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == inputs


BY_HAND = "# the best learning rate so far\ntrain_cfg = dict(max_epochs=1)\n"


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        ("classify cube.tif fields.csv --out a.tif", "a.html", "<html>a map of my own</html>"),
        ("classify cube.tif fields.csv --out a.tif", "a.stac.json", '{"type": "Feature", "properties": {}}'),
        ("demo --out .", "labels.tif", "drawn in days"),
        ("demo --out .", "map.tif", "made in days"),
        ("train config.py --work-dir .", "config.py", BY_HAND),
        ("train ./config.py --work-dir .", "config.py", "_base_ = []\n"),
        ("train config.py --work-dir runs", "runs/config.py", BY_HAND),
        ("test config.py model.pth --work-dir runs", "runs/config.py", "from mmengine.config import read_base\n"),
    ],
)
def test_what_nobody_has_named_is_not_written_over(inputs, tmp_path, run_tool, capsys, command, name, content):
    (tmp_path / "config.py").write_text("train_cfg = dict(max_epochs=1)\n")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run_tool(*command.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(rf"{name}: is there, and no|work dir .*: holds {name.rpartition('/')[2]}, over which", line), line
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_no_output_is_written_over_by_another(inputs, tmp_path, run_tool, capsys):
    assert run_tool("classify", "cube.tif", "fields.csv", "--out", "a.tif", "--uncertainty", "./a.tif") == 2
    assert capsys.readouterr().err == "error: a.tif: is named for two outputs; give each a name of its own\n"


@pytest.mark.skipif(os.name == "nt", reason="the pipes, devices and names of other systems")
@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("a\nb.tif", "cannot be printed"),
        ("a\x1b[31m.tif", "cannot be printed"),
        ("folder", "is a folder"),
        ("", "is a folder"),
        ("pipe.tif", "is a pipe or a device"),
        ("/dev/full", "is a pipe or a device"),
        ("fields.csv/a.tif", "its folder cannot be written to"),
        ("/proc/a.tif", "its folder cannot be written to"),
        ("x" * 300 + "/a.tif", "its folder cannot be written to"),
    ],
)
def test_places_where_nothing_can_be_put(inputs, tmp_path, run_tool, capsys, out, said):
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "folder").mkdir()
    assert run_tool("labels", "cube.tif", "fields.csv", "--out", out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_missing_folder_is_made(inputs, tmp_path, run_tool):
    assert run_tool("labels", "cube.tif", "fields.csv", "--out", "new/folder/labels.tif") == 0
    assert (tmp_path / "new/folder/labels.tif").is_file()


@pytest.mark.parametrize(
    ("command", "held"),
    [
        ("classify cube.tif fields.csv --out a.tif --report a.md", "a.md"),
        ("labels cube.tif fields.csv --out a.tif", "a.tif"),
        ("analysis/show_spectra cube.tif map.tif --out a.png", "a.png"),
        ("converters/export model.pth --out a.onnx", "a.onnx"),
    ],
)
def test_a_command_holds_its_results_from_its_begin(inputs, tmp_path, run_tool, capsys, command, held):
    with hold(tmp_path / f"{held}.partial", "output", "wait"):
        assert run_tool(*command.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{held}.partial: in use by process" in line
    assert {path.name for path in tmp_path.iterdir()} == set(inputs)


def test_who_holds_a_file_holds_it_on(tmp_path):
    path, refused = tmp_path / "a.tif", []

    def other():
        try:
            with hold_outputs([path]):
                pass
        except ConfigError as error:
            refused.append(error)

    with hold_outputs([path]):
        with hold_outputs([path, tmp_path / "b.tif"]):
            pass
        thread = Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    other()
    assert len(refused) == 1
    assert not list(tmp_path.iterdir())


def test_parts_of_a_shapefile(tmp_path):
    with pytest.raises(DataError, match="is an input, or a part of one"):
        check_outputs([tmp_path / "fields.dbf"], [tmp_path / "fields.shp"])
