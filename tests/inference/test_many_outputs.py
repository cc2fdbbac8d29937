"""A command that maps many scenes writes over nothing that it reads, and removes nothing but what it wrote."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from cube_files import write_envi
from many_maps import SIDE, map_all
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, PIXEL_CONV

from mmhsi.errors import DataError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.many_outputs import check_folder
from mmhsi.inference.scene_lists import map_names
from mmhsi.inference.scene_summary import write_summary
from mmhsi.io import HSICube, write_cube, write_zarr

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


def contents(*folders: Path) -> dict[Path, bytes]:
    """All files below folders."""
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def virtual(path: str, source: str) -> None:
    """A virtual raster of a GeoTIFF."""
    Path(path).parent.mkdir(exist_ok=True)
    rasterio.shutil.copy(Path(source).absolute(), path, driver="VRT")


def as_mosaic() -> list[str]:
    virtual("maps/mosaic.vrt", "in/scene_0.tif")
    return ["maps/mosaic.vrt"]


def as_footprints() -> list[str]:
    Path("maps").mkdir()
    Path("in/link.tif").symlink_to("../maps/footprints.gpkg")
    shutil.copy("in/scene_0.tif", "maps/footprints.gpkg")
    return ["in/link.tif"]


def as_optimised_mosaic() -> list[str]:
    Path("maps").mkdir()
    shutil.copy("in/scene_0.tif", "maps/mosaic_1.tif")
    Path("in/link.tif").symlink_to("../maps/mosaic_1.tif")
    return ["in/link.tif", "--mosaic", "cog"]


def as_map_of_another() -> list[str]:
    Path("maps").mkdir()
    shutil.copy("in/scene_1.tif", "maps/scene_0.tif")
    os.link("maps/scene_0.tif", "in/other.tif")
    return ["in/scene_0.tif", "in/other.tif"]


def as_source_of_another() -> list[str]:
    Path("maps").mkdir()
    shutil.copy("in/scene_1.tif", "maps/scene_0.tif")
    virtual("in/virtual.vrt", "maps/scene_0.tif")
    return ["in/scene_0.tif", "in/virtual.vrt"]


def as_part_of_another() -> list[str]:
    """What GDAL reads beside a scene is the map of another, by a link."""
    Path("maps").mkdir()
    shutil.copy("in/scene_1.tif", "maps/scene_0.tif")
    Path("in/scene_3.tif.msk").symlink_to("../maps/scene_0.tif")
    return ["in/scene_0.tif", "in/scene_3.tif"]


def as_part_beside_a_linked_one() -> list[str]:
    for folder in ("maps", "elsewhere"):
        Path(folder).mkdir()
    shutil.copy("in/scene_1.tif", "maps/scene_0.tif")
    shutil.copy("in/scene_3.tif", "elsewhere/there.tif")
    os.link("maps/scene_0.tif", "elsewhere/there.tif.msk")
    Path("in/there.tif").symlink_to("../elsewhere/there.tif")
    Path("in/there.tif.msk").symlink_to("../elsewhere/there.tif.msk")
    return ["in/scene_0.tif", "in/there.tif"]


def as_tile() -> list[str]:
    Path("maps").mkdir()
    shutil.copy("in/scene_1.tif", "maps/scene_0.tif")
    return ["in/scene_0.tif", "maps/*.tif"]


def as_list() -> list[str]:
    Path("maps").mkdir()
    Path("maps/summary.csv").write_text("../in/scene_0.tif\n")
    return ["--list", "maps/summary.csv"]


def as_item() -> list[str]:
    Path("maps").mkdir()
    item = dict(type="Feature", id="a", assets=dict(data=dict(href="../in/scene_0.tif")))
    Path("maps/scene_0.stac.json").write_text(json.dumps(item))
    return ["--stac", "maps/scene_0.stac.json"]


def as_record() -> list[str]:
    Path("maps/records").mkdir(parents=True)
    Path("maps/records/scene_0.tif.json").write_text("../../in/scene_0.tif\n")
    return ["--list", "maps/records/scene_0.tif.json"]


def as_what_was_begun() -> list[str]:
    Path("maps").mkdir()
    name = "maps/.scene_0.tif.0123456789ab.tmp"
    Path(name).write_text("../in/scene_0.tif\n")
    return ["in/scene_0.tif", "--list", name]


def in_zarr() -> list[str]:
    write_zarr("maps", HSICube(np.zeros((9, 9, BANDS), np.float32)))
    return ["maps"]


@pytest.mark.parametrize(
    "make",
    [
        as_mosaic,
        as_optimised_mosaic,
        as_footprints,
        as_map_of_another,
        as_source_of_another,
        as_part_of_another,
        as_part_beside_a_linked_one,
        as_tile,
        as_list,
        as_item,
        as_record,
        as_what_was_begun,
        in_zarr,
    ],
)
def test_nothing_that_is_read_is_written_over(
    predict: Callable[..., int],
    scenes: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[], list[str]],
) -> None:
    given = make()
    before = contents(tmp_path / "in", tmp_path / "maps")
    assert predict(*given, "--out-dir", "maps") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: maps")
    assert line.endswith("give another --out-dir")
    assert "is an input" in line or make is in_zarr
    assert contents(tmp_path / "in", tmp_path / "maps") == before


def test_scenes_are_opened_to_see_what_they_read_only_where_it_may_be_written_over(
    scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_envi(tmp_path / "in/raw.img", np.zeros((4, 4, BANDS), np.int16), "bsq")
    virtual("in/virtual.vrt", "in/scene_3.tif")
    given = ["in/scene_0.tif", str(tmp_path / "in/scene_1.tif"), "in/raw.hdr", "in/virtual.vrt", "in/gone.tif"]
    opened: list[str] = []

    def note(scene: str, *_: object) -> None:
        opened.append(scene)
        raise DataError("not looked at")

    monkeypatch.setattr("mmhsi.inference.many_outputs.open_reader", note)
    Path("maps").mkdir()
    check_folder(Path("maps"), map_names(given), {}, [])
    assert opened == []
    Path("maps/.scene_9.tif.0123456789ab.tmp").touch()  # of no map that is written
    check_folder(Path("maps"), map_names(given), {}, [])
    assert opened == []
    Path("maps/scene_0.tif.partial").mkdir()
    Path("maps/scene_0.tif.partial/state.json").touch()
    check_folder(Path("maps"), map_names(given), {}, [])
    assert opened == ["in/virtual.vrt", "in/gone.tif"]
    os.link("maps/scene_0.tif.partial/state.json", "in/linked")
    opened.clear()
    check_folder(Path("maps"), map_names(given), {}, [])
    assert opened == given


def test_the_mosaic_as_a_geotiff(
    predict: Callable[..., int], scenes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(*scenes[:2], "--out-dir", "maps", "--mosaic", "cog") == 0
    assert "summary: maps/mosaic.tif\n" in capsys.readouterr().out
    with rasterio.open("maps/mosaic.tif") as mosaic:
        assert mosaic.width == 2 * SIDE
    assert predict(*scenes[:2], "--out", "map.tif", "--mosaic", "cog") == 2
    assert "--mosaic says nothing without --out-dir" in capsys.readouterr().err
    shutil.copy(scenes[0], "in/Mosaic_1.tif")
    before = contents(tmp_path / "maps")
    assert predict("in/Mosaic_1.tif", scenes[1], "--out-dir", "maps", "--mosaic", "cog") == 2
    assert "in/Mosaic_1.tif: its map would have the name of the mosaic, Mosaic_1.tif" in capsys.readouterr().err
    assert contents(tmp_path / "maps") == before


def test_what_the_command_did_not_write_stays(predict: Callable[..., int], scenes: list[str], tmp_path: Path) -> None:
    virtual("maps/mosaic_2020.vrt", "in/scene_0.tif")
    shutil.copy("maps/mosaic_2020.vrt", "maps/mosaic_mine.vrt")
    before = contents(tmp_path / "maps")
    assert predict("maps/mosaic_2020.vrt", *scenes[:2], "--out-dir", "maps") == 0
    made = contents(tmp_path / "maps")
    assert before.items() <= made.items()
    # The mosaic that was written above them is removed when there is none any more, unless somebody has changed it.
    text = Path("maps/mosaic.vrt").read_text()
    out = tmp_path / "maps"
    for path in out.glob("records/*.tif.json"):
        path.unlink()
    Path("maps/mosaic.vrt").write_text(f"{text} ")
    assert [path.name for path in write_summary(out, ["scene_0.tif"])] == ["summary.csv"]
    assert not (out / "footprints.gpkg").exists()
    assert Path("maps/mosaic.vrt").read_text() == f"{text} "
    assert before.items() <= contents(out).items()


def test_no_style_is_written_over_a_scene(trained: Callable, tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    data = np.random.default_rng(0).normal(500, 200, (SIDE, SIDE, BANDS)).astype(np.float32)
    place = dict(crs=CRS.from_epsg(32633), transform=from_origin(366000, 5800000, 30, 30))
    write_cube(tmp_path / "a.tif", HSICube(data, **place))
    (tmp_path / "a.tif").rename(tmp_path / "map.qml")
    (tmp_path / "scene.tif").symlink_to("map.qml")
    before = (tmp_path / "map.qml").read_bytes()
    with pytest.raises(DataError, match=r"map\.qml: is an input"):
        SceneInferencer(config, checkpoint, "cpu").write_map(tmp_path / "scene.tif", tmp_path / "map.tif")
    assert (tmp_path / "map.qml").read_bytes() == before


def test_an_item_that_fails_does_not_end_it(
    predict: Callable[..., int], scenes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    items = [
        dict(type="Feature", id=name, assets={f: dict(href=f"in/{f}.tif") for f in files})
        for name, files in (("both", ("scene_0", "scene_1")), ("one", ("scene_3",)), ("none", ()))
    ]
    Path("items.json").write_text(json.dumps(dict(type="FeatureCollection", features=items)))
    assert predict("--stac", "items.json", "--out-dir", "maps") == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"failed: items.json: item '{name}' has {count} assets that may be meant, expected one of role data"
        for name, count in (("both", 2), ("none", 0))
    ]
    assert "1 map written, 0 were there, 2 scenes failed" in told.out
    with Path("maps/summary.csv").open(newline="") as file:
        found = [(row["scene"], row["map"], row["status"]) for row in csv.DictReader(file)]
    assert found == [
        ("in/scene_3.tif", "scene_3.tif", "done"),
        ("items.json: item 'both'", "", "failed"),
        ("items.json: item 'none'", "", "failed"),
    ]
    Path("items.json").write_text(json.dumps(items[0]))
    assert predict("in/scene_1.tif", "--stac", "items.json", "--out-dir", "more") == 1
    assert "1 map written" in capsys.readouterr().out
    assert predict("--stac", "items.json", "--out-dir", "none") == 2
    assert capsys.readouterr().err.startswith("error: items.json: item 'both' has 2 assets")


def test_a_folder_of_finished_maps_may_be_given_again(
    predict: Callable[..., int], scenes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    virtual("in/virtual.vrt", "in/scene_3.tif")
    for expected in ("3 maps written, 0 were there", "0 maps written, 3 were there"):
        assert predict(*scenes[:2], "in/virtual.vrt", "--out-dir", "maps") == 0
        assert expected in capsys.readouterr().out


def grow(folder: Path, scenes: list[str]) -> None:
    shutil.copy2(scenes[1], folder / "b.tif")


def shrink(folder: Path, scenes: list[str]) -> None:
    (folder / "b.tif").unlink()


@pytest.mark.parametrize("change", [grow, shrink])
def test_a_tile_that_comes_or_goes_makes_another_scene(
    trained: Callable, scenes: list[str], tmp_path: Path, change: Callable[[Path, list[str]], None]
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, tiles, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "tiles", tmp_path / "maps"
    tiles.mkdir()
    shutil.copy2(scenes[0], tiles / "a.tif")
    if change is shrink:
        grow(tiles, scenes)
    given = [str(tiles / "[a-z].tif")]
    ((record, _),) = map_all(inferencer, given, out)
    assert not record.error
    assert [there for _, there in map_all(inferencer, given, out)] == [True]
    change(tiles, scenes)
    ((record, there),) = map_all(inferencer, given, out)
    assert (record.error, there) == ("", False)
    with rasterio.open(out / record.map) as file:
        assert file.width == (2 * SIDE if change is grow else SIDE)


def cube_of(seed: int) -> HSICube:
    return HSICube(np.random.default_rng(seed).normal(500, 200, (40, SIDE, BANDS)).astype(np.float32))


def rewrite(folder: Path, other: Path) -> None:
    """Put the values of another store into one, whose metadata stay as they are."""
    for chunk in other.rglob("c/**/*"):
        if chunk.is_file():
            (folder / chunk.relative_to(other)).write_bytes(chunk.read_bytes())


def test_values_of_zarr_that_change_are_noticed(trained: Callable, tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out, scene = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps", tmp_path / "z.zarr"
    for name, seed in (("z.zarr", 0), ("other.zarr", 1)):
        write_zarr(tmp_path / name, cube_of(seed), chunk=8)
    map_all(inferencer, [str(scene)], out)
    assert [there for _, there in map_all(inferencer, [str(scene)], out)] == [True]
    rewrite(scene, tmp_path / "other.zarr")
    ((record, there),) = map_all(inferencer, [str(scene)], out)
    assert (record.error, there) == ("", False)
    inferencer.write_map(tmp_path / "other.zarr", tmp_path / "fresh.tif")
    with rasterio.open(out / "z.tif") as one, rasterio.open(tmp_path / "fresh.tif") as fresh:
        np.testing.assert_array_equal(one.read(), fresh.read())


def test_rows_of_zarr_that_has_changed_are_not_taken_up(
    trained: Callable, tmp_path: Path, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, scene = SceneInferencer(config, checkpoint, "cpu", batch_size=5), tmp_path / "z.zarr"
    for name, seed in (("z.zarr", 0), ("other.zarr", 1)):
        write_zarr(tmp_path / name, cube_of(seed), chunk=8)

    def stop(done: float, whole: int) -> None:
        if done > whole / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inferencer.write_map(scene, tmp_path / "map.tif", progress=stop)
    assert (tmp_path / "map.tif.partial/state.json").is_file()
    rewrite(scene, tmp_path / "other.zarr")
    with pytest.raises(DataError, match="cannot be resumed, the interrupted run had scene"):
        inferencer.write_map(scene, tmp_path / "map.tif", resume=True)
