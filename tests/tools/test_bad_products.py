"""Products and polygons that cannot be meant, through every command that is given them: one line, status 2, no file."""

import json
import zipfile
from pathlib import Path

import numpy as np
import product_layouts as layouts
import pytest

ROOT = Path(__file__).parents[2]
NM = np.array([450.0, 560.0, 860.0, 930.0, 1650.0])
CONFIG = """
_base_ = [
    "{root}/configs/_base_/models/pixel_cnn1d.py",
    "{root}/configs/_base_/datasets/scene_20-per-class.py",
    "{root}/configs/_base_/schedules/adamw_scratch_100e.py",
    "{root}/configs/_base_/default_runtime.py",
]
scene = dict(image="{product}", labels="good.geojson")
split = dict(type="FewShotSplit", per_class=5)
train_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
test_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
train_cfg = dict(max_epochs=1)
"""


def _ring(column, row, side=6):
    """A closed square in longitudes and latitudes."""
    from rasterio.warp import transform

    x, y = 363000 + 30 * column, 5810000 - 30 * row
    corners = [(x, y), (x + 30 * side, y), (x + 30 * side, y - 30 * side), (x, y - 30 * side), (x, y)]
    places = transform(layouts.UTM, "EPSG:4326", *zip(*corners, strict=True))
    return [list(place) for place in zip(*places, strict=True)]


def _geojson(path, rings, names=("water", "Wiese"), field="class", **more):
    features = [
        dict(type="Feature", properties={field: name}, geometry=dict(type="Polygon", coordinates=[ring]))
        for ring, name in zip(rings, names, strict=True)
    ]
    path.write_text(json.dumps(dict(type="FeatureCollection", features=features, **more)))
    return path


@pytest.fixture(scope="module", name="scene")
def scene_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    rng = np.random.default_rng(0)
    values = rng.integers(1000, 3000, (20, 20, 5)).astype(np.int16)
    product = layouts.enmap(folder, values, NM, [1, 2, 3, 4])
    good = _geojson(folder / "good.geojson", [_ring(2, 2), _ring(11, 10)])
    return folder, product, good


def _bad_products(folder, product):
    """Name and path of products that are none, and a word of what is said of them."""
    values = np.ones((20, 20, 5), np.int16)
    yield layouts.enmap(folder / "a", values, NM, [1, 2, 3, 4], level="L1B"), "level L1B is not read"
    bare = layouts.enmap(folder / "b", values, NM, [1, 2, 3, 4])
    metadata = next(bare.glob("*METADATA.XML"))
    text = metadata.read_text()
    metadata.unlink()
    yield bare, "SPECTRAL_IMAGE.TIF: give that"
    bombed = layouts.enmap(folder / "c", values, NM, [1, 2, 3, 4])
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    next(bombed.glob("*METADATA.XML")).write_text(laughs + text.split("?>")[1].replace("L2A", "&b;", 1))
    yield bombed, "document type"
    cube = np.ones((20, 5, 20), np.uint16)
    whole = layouts.prisma(folder / "w.he5", cube, cube, NM[::-1], NM[::-1] + 800).read_bytes()
    (folder / "cut.he5").write_bytes(whole[: len(whole) // 3])
    yield folder / "cut.he5", "cut.he5"
    (folder / "none.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
    yield folder / "none.nc", "not a readable HDF5 file"
    with (
        zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out,
        out.open("ENMAP01-____L2A-1-METADATA.XML", "w") as file,
    ):
        for _ in range(300):
            file.write(bytes(1 << 20))
    yield folder / "bomb.zip", "times its size"
    with zipfile.ZipFile(folder / "up.zip", "w") as out:
        out.writestr("../../../../etc/cron.d/ENMAP01-____L2A-1-METADATA.XML", "<a/>")
        out.writestr("../outside.TIF", "x")
    yield folder / "up.zip", "ENMAP01"
    yield folder / "missing.he5", "no such file"


def _bad_polygons(folder):
    """Path of labels that cannot be used, and a word of what is said of them."""
    rings = [_ring(2, 2), _ring(11, 10)]
    yield _geojson(folder / "field.geojson", rings, field="klasse"), "has no field 'class' (label_field), it has klasse"
    yield _geojson(folder / "far.geojson", [[[x + 20, y] for x, y in ring] for ring in rings]), "far.geojson"
    yield _geojson(folder / "open.geojson", [ring[:-1] for ring in rings]), "open.geojson"
    yield _geojson(folder / "short.geojson", [ring[:3] for ring in rings]), "short.geojson"
    yield _geojson(folder / "big.geojson", [[[1e300, y] for _, y in ring] for ring in rings]), "big.geojson"
    yield _geojson(folder / "nan.geojson", [[[float("nan"), y] for _, y in ring] for ring in rings]), "nan.geojson"
    crs = dict(type="name", properties=dict(name="urn:ogc:def:crs:EPSG::32633"))
    yield _geojson(folder / "mixed.geojson", rings, crs=crs), "mixed.geojson"
    yield _geojson(folder / "empty.geojson", [], ()), "empty.geojson"
    yield _geojson(folder / "null.geojson", rings, (None, " ")), "null.geojson"
    (folder / "cut.gpkg").write_bytes(b"SQLite format 3\0" + bytes(500))
    yield folder / "cut.gpkg", "cut.gpkg"


def _check(run_tool, capfd, words, said, out):
    status = run_tool(*words)
    error = capfd.readouterr().err
    lines = [line for line in error.splitlines() if not line.startswith("warning")]
    assert status == 2, words
    assert len(lines) == 1, (words, error)
    assert lines[0].startswith("error: "), words
    assert said in lines[0], words
    assert not list(out.parent.glob(f"{out.stem}.*")), words


@pytest.mark.slow
def test_bad_products_are_one_line(scene, run_tool, capfd, tmp_path, monkeypatch):
    folder, product, good = scene
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))
    config = tmp_path / "c.py"
    config.write_text(CONFIG.format(root=ROOT, folder=folder, product=product.name))
    assert run_tool("train", config, "--work-dir", tmp_path / "run") == 0
    checkpoint = tmp_path / "run" / "epoch_1.pth"
    ids = tmp_path / "ids.tif"
    assert run_tool("labels", product, good, "--out", ids) == 0
    doubt = layouts.raster(tmp_path / "doubt.tif", np.full((20, 20, 1), 0.5, np.float32))
    capfd.readouterr()
    for path, said in _bad_products(tmp_path, product):
        out = tmp_path / "result.tif"
        for words in (
            ("labels", path, good, "--out", out),
            ("classify", path, good, "--out", out),
            ("predict", config, checkpoint, path, "--out", out),
            ("suggest", path, doubt, "--out", out.with_suffix(".gpkg")),
            ("analysis/show_spectra", path, ids, "--out", out.with_suffix(".png")),
            ("analysis/show_map", path, ids, "--out", out.with_suffix(".png")),
        ):
            _check(run_tool, capfd, words, said, out)
    assert not (tmp_path.parent / "outside.TIF").exists()


@pytest.mark.slow
def test_bad_polygons_are_one_line(scene, run_tool, capfd, tmp_path):
    _, product, _ = scene
    for path, said in _bad_polygons(tmp_path):
        out = tmp_path / "result.tif"
        for words in (("labels", product, path, "--out", out), ("classify", product, path, "--out", out)):
            _check(run_tool, capfd, words, said, out)


@pytest.mark.slow
def test_class_names_of_any_script_reach_the_map(scene, run_tool, capfd, tmp_path):
    _, product, _ = scene
    names = ("مياه", "Zürich 樹")
    drawn = _geojson(tmp_path / "drawn.geojson", [_ring(2, 2), _ring(11, 10)], names)
    assert run_tool("labels", product, drawn, "--out", tmp_path / "labels.tif") == 0
    from mmhsi.io import read_class_map

    assert set(read_class_map(tmp_path / "labels.tif").names) == set(names)
