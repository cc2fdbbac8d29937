"""Map to polygons to label map and back, and points to label."""

import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from cube_files import write_geotiff
from rasterio.crs import CRS

from mmhsi.datasets.catalogue import scene_info
from mmhsi.inference.suggestion import read_doubt, suggest_pixels
from mmhsi.io import HSICube, open_cube, read_class_map, write_cube
from mmhsi.io.vector_writer import write_areas

UTM = CRS.from_epsg(32633)
TRANSFORM = Affine(30, 0, 300_000, 0, -30, 5_800_000)


@pytest.fixture
def scene(tmp_path):
    rng = np.random.default_rng(0)
    write_cube(tmp_path / "cube.tif", HSICube(data=rng.random((40, 50, 5), np.float32), crs=UTM, transform=TRANSFORM))
    classes = np.repeat(np.repeat(rng.integers(0, 3, (8, 10)), 5, 0), 5, 1)
    classes[:5, :5] = 255
    write_areas(tmp_path / "drawn.gpkg", classes, ["Wasser", "soil", "樹"], [4, 300, 7], UTM, TRANSFORM)
    return tmp_path, classes


def test_labels_gives_the_raster_that_the_polygons_were_made_of(scene, capsys, run_tool):
    folder, classes = scene
    run_tool(
        "labels", folder / "cube.tif", folder / "drawn.gpkg", "--out", folder / "labels.tif", "--label-field", "id"
    )
    with rasterio.open(folder / "labels.tif") as file:
        np.testing.assert_array_equal(file.read(1), np.array([4, 300, 7] + [0] * 253)[classes])
        assert (file.crs, file.transform, file.nodata) == (UTM, TRANSFORM, 0)
    assert f"{(classes == 1).sum()}" in capsys.readouterr().out


def test_labels_by_name_have_names_colours_and_a_style(scene, capsys, run_tool):
    folder, classes = scene
    run_tool("labels", folder / "cube.tif", folder / "drawn.gpkg", "--out", folder / "labels.tif")
    found = read_class_map(folder / "labels.tif")
    assert (found.names, found.ids) == (["Wasser", "soil", "樹"], (1, 2, 3))
    np.testing.assert_array_equal(found.classes, classes)
    red, green, blue = found.palette[0]
    assert blue > max(red, green)
    style = (folder / "labels.qml").read_text(encoding="utf-8")
    assert f'value="1" label="Wasser" color="#{red:02x}{green:02x}{blue:02x}"' in style
    lines = capsys.readouterr().out.splitlines()
    pixels = int((classes == 0).sum())
    assert any(
        line.split()[:3] == ["1", "Wasser", str(pixels)] and f"{pixels * 0.09:,.2f} ha" in line for line in lines
    )


@pytest.mark.parametrize("classes", [1, 3])
def test_doubt_is_read_some_rows_at_a_time(tmp_path, monkeypatch, classes):
    monkeypatch.setattr("mmhsi.inference.suggestion.ROWS", 4)
    shares = np.random.default_rng(0).dirichlet(np.ones(3), (10, 6))[..., :classes].astype(np.float32)
    shares[5, 2] = np.nan
    write_cube(tmp_path / "doubt.tif", HSICube(shares))
    with open_cube(tmp_path / "doubt.tif") as reader:
        doubt, known = read_doubt(reader)
    largest = np.sort(shares, axis=2)
    np.testing.assert_array_equal(doubt, shares[..., 0] if classes == 1 else 1 - (largest[..., -1] - largest[..., -2]))
    assert np.argwhere(~known).tolist() == [[5, 2]]


def test_suggested_points_are_read_back_when_they_are_filled_in(scene, run_tool):
    folder, _ = scene
    doubt = np.zeros((40, 50, 1), np.float32)
    doubt[10:12] = 0.9
    write_cube(folder / "doubt.tif", HSICube(data=doubt, crs=UTM, transform=TRANSFORM))
    out = folder / "next.gpkg"
    run_tool("suggest", folder / "cube.tif", folder / "doubt.tif", "--out", out, "--count", "6", "--distance", "4")
    meta, _, geometries, (names, *_) = pyogrio.raw.read(out)
    assert names.tolist() == [None] * 6
    assert CRS.from_user_input(meta["crs"]) == UTM
    places = np.array([np.frombuffer(point[5:], "<f8") for point in geometries])
    assert (np.abs(5_800_000 - 30 * 11 - places[:, 1]) < 31).all(), "where the map is unsure"
    filled = np.array(["a", "b", *[None] * 4], dtype=object)
    pyogrio.raw.write(out, geometries, [filled], ["class"], geometry_type="Point", crs=meta["crs"], driver="GPKG")
    run_tool("labels", folder / "cube.tif", out, "--out", folder / "labels.tif")
    with rasterio.open(folder / "labels.tif") as file:
        assert np.bincount(file.read(1).ravel()).tolist() == [1998, 1, 1]


def test_choice_is_the_greedy_one_and_keeps_its_distance():
    rng = np.random.default_rng(1)
    spectra, doubt = rng.random((80, 3)), rng.random(80)
    places = rng.integers(0, 30, (80, 2))
    chosen = suggest_pixels(spectra, places, doubt, 6, distance=5).tolist()
    scaled = (spectra - spectra.mean(0)) / spectra.std(0)
    expected = [int(doubt.argmax())]
    while len(expected) < 6:
        gains = [
            doubt[i] * min(np.linalg.norm(scaled[i] - scaled[j]) for j in expected)
            if min(np.linalg.norm(places[i] - places[j]) for j in expected) >= 5
            else -1
            for i in range(80)
        ]
        expected.append(int(np.argmax(gains)))
    assert chosen == expected


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("a.gpkg", ["--distance", "-1"], "--distance -1 given"),
        ("a.gpkg", ["--distance", "nan"], "--distance nan given"),
        ("a.gpkg", ["--label-field", "Rank"], "--label-field Rank: is a field of its own"),
        ("a.shp", ["--label-field", "eine_lange_Klasse"], "at most 10 bytes"),
    ],
)
def test_suggest_refuses_what_cannot_be_meant(tmp_path, run_tool, capsys, name, words, said):
    (tmp_path / "no.tif").touch()
    assert run_tool("suggest", tmp_path / "no.tif", tmp_path / "no.tif", "--out", tmp_path / name, *words) == 2
    assert said in capsys.readouterr().err


def test_names_that_would_move_a_terminal_are_printed_as_text(tmp_path, capsys, run_tool):
    write_geotiff(tmp_path / "cube.tif", np.arange(80, dtype=np.int16).reshape(4, 5, 4))
    (tmp_path / "a.csv").write_text('row,column,class\n0,0,"crop [/]"\n1,1,"a\x1b[2Jb"\n')
    names = ["crop [/]", "a\\x1b[2Jb"]
    for options in ((), ("--classes", "crop [/]", "a\x1b[2Jb")):
        out = tmp_path / "labels.tif"
        run_tool("labels", tmp_path / "cube.tif", tmp_path / "a.csv", "--out", out, *options)
        said = capsys.readouterr()
        assert "\x1b" not in said.out + said.err
        assert all(name in said.out for name in names)
        assert sorted(read_class_map(out).names) == sorted(names)
    assert scene_info(dict(image="a", title="\x1bt", classes=["\x1b"])).classes == ("\\x1b",)
