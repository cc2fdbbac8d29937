"""What is built and installed outside the checkout is complete: modules, configs, tools, and the whole chain runs."""

import email
import json
import os
import shutil
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from processes import run_command

from mmhsi.packaged import packaged_folder

pytestmark = pytest.mark.slow

PARTS = ("mmhsi", "configs", "tools", "requirements")
FILES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "model-index.yml")
CONFIG = "mae/mae_hsi-vit-tiny-p3_demo.py"
PRETRAINED = "mmhsi::mixed/mae-wavelength_hsi-vit-tiny-p3_mixed.py"
TEMPLATE = "mmhsi/visualization/templates/run_report.html.j2"
WEIGHTS = "mmhsi/models/weights/carried/mmhsi-vit-tiny-wavelength.pth"


def python(executable: Path | str, *arguments: str, cwd: Path) -> str:
    """Output of an interpreter that sees nothing of this checkout."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MMHSI_DATA")}
    environment.update(PYTHONDONTWRITEBYTECODE="1", PYTHONWARNINGS="ignore")
    command = [str(executable), *arguments]
    done = run_command(command, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def build(kind: str, source: Path, out: Path) -> Path:
    """Build ``sdist`` or ``wheel`` as pip and build do, in the environment that is there."""
    code = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    out.mkdir()
    python(sys.executable, "-c", code, cwd=source)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def source(repository, tmp_path_factory):
    """A copy of what packaging reads: building leaves its own folders beside it."""
    folder = tmp_path_factory.mktemp("source")
    for name in PARTS:
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns(".mim"))
    for name in FILES:
        shutil.copy(repository / name, folder)
    (folder / "configs/__pycache__").mkdir(exist_ok=True)
    (folder / "configs/__pycache__/left.cpython-311.pyc").touch()
    return folder


@pytest.fixture(scope="module")
def sdist(source, tmp_path_factory):
    return build("sdist", source, tmp_path_factory.mktemp("sdist") / "out")


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Built from the sdist, which thereby is complete."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return build("wheel", unpacked, folder / "out")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel, and the libraries of this one after it; without this one's mmhsi."""
    folder = tmp_path_factory.mktemp("environment")
    python(sys.executable, "-m", "venv", "--without-pip", str(folder), cwd=folder)
    interpreter = folder / "bin" / "python"
    site = Path(python(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # Paths in a .pth file are searched last, and .pth files there, such as an editable install's, are not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = ["-m", "pip", "--python", str(interpreter), "--disable-pip-version-check"]
    python(sys.executable, *pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel), cwd=folder)
    python(sys.executable, *pip, "check", cwd=folder)
    return interpreter, site


def test_wheel_holds_configs_tools_and_metadata(repository, wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (record,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(record))
    for part in ("configs", "tools"):
        files = {path for path in (repository / part).rglob("*.*") if path.suffix != ".pyc" and path.is_file()}
        carried = {name for name in names if name.startswith(f"mmhsi/.mim/{part}/")}
        assert carried == {f"mmhsi/.mim/{path.relative_to(repository)}" for path in files}
    assert {"mmhsi/.mim/model-index.yml", "mmhsi/py.typed", "mmhsi/datasets/catalogue/classic.py"} <= names
    assert {TEMPLATE, WEIGHTS} <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload(decode=True).decode().strip() == (repository / "README.md").read_text().strip()
    assert not any(name.startswith(("tests", "benchmarks")) for name in names)


def test_wheels_of_the_checkout_and_of_the_sdist_are_equal(source, wheel, tmp_path):
    with zipfile.ZipFile(build("wheel", source, tmp_path / "out")) as one, zipfile.ZipFile(wheel) as other:
        assert {file.filename: file.CRC for file in one.infolist()} == {
            file.filename: file.CRC for file in other.infolist()
        }


RESOLVE = """
import json, sys
from pathlib import Path
import mmhsi.registry
from mmengine.config import Config
from mmengine.hub import get_config, get_model
from mmengine.registry import MODELS, DefaultScope
from mmhsi.config_files import load_config
Path("own.py").write_text('_base_ = ["mmhsi::_base_/default_runtime.py", "mmhsi::_base_/models/mae_hsi-vit-tiny.py"]')
name = "mmhsi::" + sys.argv[1]
cfg = get_config(name)
cfg.model.data_preprocessor.num_bands = cfg.model.backbone.in_channels = 56
with DefaultScope.overwrite_default_scope("mmhsi"):
    model = MODELS.build(cfg.model)
found = dict(
    package=mmhsi.__file__,
    hub=get_config(name).filename,
    tools=str(load_config(name).filename),
    inherited=Config.fromfile("own.py").default_scope,
    model=type(model).__name__,
    backbone=type(model.backbone).__module__,
    trained=float(get_model(sys.argv[2], pretrained=True).backbone.layers[0].ln1.weight.std()) > 0,
)
print(json.dumps(found))
"""


def test_a_checkout_works_without_links_and_with_those_of_an_editable_install(source, tmp_path):
    checkout = shutil.copytree(source, tmp_path / "checkout")
    package = checkout / "mmhsi"
    assert packaged_folder(package, "configs") == checkout / "configs"
    assert "usage: mmhsi show_report" in python(sys.executable, "-m", "mmhsi", "show_report", "--help", cwd=checkout)
    for number in range(2):  # a second time, as after a pull
        build("editable", checkout, tmp_path / f"out{number}")
    links = {path.name: path.resolve() for path in (package / ".mim").iterdir()}
    assert links == {name: checkout / name for name in ("configs", "tools", "model-index.yml")}
    assert all(path.is_symlink() for path in (package / ".mim").iterdir())
    assert packaged_folder(package, "configs") == package / ".mim/configs"
    (checkout / "own.py").write_text(f'_base_ = "mmhsi::{CONFIG}"')
    inherit = "import mmhsi.registry; from mmengine.config import Config; print(Config.fromfile('own.py').model.type)"
    assert python(sys.executable, "-c", inherit, cwd=checkout).split() == ["MAE"]


# The demo's command in the same process, which spares the imports, and one candidate.
DEMO = """
import os, subprocess, sys
from mmhsi.__main__ import main

def step(command, **options):
    if command[1:3] != ["-m", "mmhsi"]:
        return run(command, **options)
    os.environ.update(options["env"])
    sys.argv = [*command[2:], "--models", "lda"]
    main()
    return subprocess.CompletedProcess(command, 0)

run, subprocess.run = subprocess.run, step
sys.argv = ["mmhsi", "demo", "--out", "out"]
main()
"""


@pytest.fixture(scope="module")
def user(installed, tmp_path_factory):
    """A folder in which one process has found configs and run the demo, and what that printed."""
    interpreter, site = installed
    folder = tmp_path_factory.mktemp("user")
    before = set(site.rglob("*"))
    output = python(interpreter, "-c", RESOLVE + DEMO, CONFIG, PRETRAINED, cwd=folder)
    assert set(site.rglob("*")) == before
    return folder, output


@pytest.mark.slow
def test_packaged_configs_are_found_by_mmengine(installed, user):
    _, site = installed
    (line,) = (line for line in user[1].splitlines() if line.startswith('{"package"'))
    found = json.loads(line)
    assert found == dict(
        package=str(site / "mmhsi/__init__.py"),
        hub=str(site / "mmhsi/.mim/configs" / CONFIG),
        tools=str(site / "mmhsi/.mim/configs" / CONFIG),
        inherited="mmhsi",
        model="MAE",
        backbone="mmhsi.models.backbones.hsi_vit",
        trained=True,
    )


@pytest.mark.slow
def test_demo_runs_from_the_wheel(user):
    folder, output = user
    assert "other pixels, whose class the simulation knows: " in output
    assert "Using env variable" not in output
    assert {path.name for path in folder.iterdir()} == {"out", "own.py"}
    assert {"map.tif", "map.html", "map.tif.work"} <= {path.name for path in (folder / "out").iterdir()}


def test_command_names_its_tools(installed, tmp_path):
    interpreter, site = installed
    usage = python(interpreter.with_name("mmhsi"), "--help", cwd=tmp_path)
    assert {path.stem for path in (site / "mmhsi/.mim/tools").rglob("*.py")} <= set(usage.replace(",", " ").split())
    assert "usage: mmhsi show_report" in python(interpreter, "-m", "mmhsi", "show_report", "--help", cwd=tmp_path)
