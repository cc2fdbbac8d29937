"""Runs that end early: what is left, and what a resumed run makes of it."""

import hashlib
import json
import multiprocessing
import os
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import torch
from processes import SECONDS, fork, join
from scene_models import BANDS, PIXEL_CONV, SEGMENT_CONV3

from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer
from mmhsi.io import HSICube, write_cube
from mmhsi.io.json_file import read_state, write_state

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
OUTPUTS = ("map.tif", "probabilities.tif", "uncertainty.tif")


@pytest.fixture
def long_scene(tmp_path):
    path = tmp_path / "scene.tif"
    write_cube(path, HSICube(np.random.default_rng(0).normal(500, 200, (90, 30, BANDS)).astype(np.float32)))
    return path


@pytest.fixture
def often(monkeypatch):
    """Rows leave in strips of five and are saved at once."""
    monkeypatch.setattr("mmhsi.inference.prediction.STRIP", 150)
    monkeypatch.setattr("mmhsi.inference.row_store.SAVE_EVERY", -1)


def write(inferencer, scene, folder, **options):
    m, p, u = (folder / name for name in OUTPUTS)
    inferencer.write_map(scene, m, probabilities=p, uncertainty=u, **options)


def contents(folder):
    """Bytes of all files; an item says when it was written."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".stac.json")}


def stop_at(row):
    def progress(done, *_):
        if done >= row:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV3], ids=["pixel", "segment"])
@pytest.mark.parametrize("row", [1, 33, 79])
def test_a_resumed_run_gives_the_same_bytes(trained, long_scene, tmp_path, often, model, row):
    config, checkpoint, _ = trained(model, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, stride=None if model is PIXEL_CONV else 2, batch_size=5)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(inferencer, long_scene, whole)
    with pytest.raises(KeyboardInterrupt):
        write(inferencer, long_scene, parts, progress=stop_at(row))
    assert [path.name for path in parts.iterdir()] == ["map.tif.partial"]
    done = []
    write(inferencer, long_scene, parts, resume=True, progress=lambda *rows: done.append(rows[0]))
    assert row <= done[0] < 90
    assert contents(whole) == contents(parts)


def write_half(inferencer, scene, folder, pipe):
    def progress(done, total):
        if done > 40:
            pipe.send(done)
            time.sleep(600)

    torch.set_num_threads(1)
    write(inferencer, scene, folder, progress=progress)


def test_a_killed_process_leaves_no_map_and_is_resumed_to_the_same_bytes(trained, long_scene, tmp_path, often):
    config, checkpoint, _ = trained(SEGMENT_CONV3, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(inferencer, long_scene, whole)
    here, there = multiprocessing.Pipe(duplex=False)
    process = fork(write_half, inferencer, long_scene, parts, there)
    assert here.poll(SECONDS)
    assert here.recv() > 40
    process.kill()
    assert join(process) == -signal.SIGKILL
    assert sorted(path.name for path in parts.iterdir()) == sorted(f"{name}.partial" for name in OUTPUTS)
    assert 40 < json.loads((parts / "map.tif.partial/state.json").read_text())["rows"] < 90
    # Rows that were written but not yet declared finished are written anew.
    with (parts / "map.tif.partial/classes.raw").open("ab") as file:
        file.write(b"\x07" * 45)
    write(inferencer, long_scene, parts, resume=True)
    assert contents(whole) == contents(parts)


def test_a_run_killed_while_it_writes_the_files_is_finished(trained, long_scene, tmp_path, often, monkeypatch):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(inferencer, long_scene, whole)
    with monkeypatch.context() as patch:
        patch.setattr("mmhsi.inference.writers.ValueMapWriter.write_rows", lambda *_: stop_at(0)(0))
        with pytest.raises(KeyboardInterrupt):
            write(inferencer, long_scene, parts)
    (parts / ".map.tif.0123456789ab.tmp").write_bytes(b"half of a GeoTIFF")
    write(inferencer, long_scene, parts, resume=True)
    assert contents(whole) == contents(parts)


def test_a_run_with_other_settings_is_not_resumed(trained, long_scene, tmp_path, often):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, batch_size=50)
    with pytest.raises(KeyboardInterrupt):
        write(inferencer, long_scene, tmp_path, progress=stop_at(20))
    kept = (tmp_path / "map.tif.partial/classes.raw").read_bytes()
    other = SceneInferencer(config, checkpoint, batch_size=51)
    with pytest.raises(DataError, match=r"map\.tif\.partial: cannot be resumed, .* batch 50 instead of 51"):
        write(other, long_scene, tmp_path, resume=True)
    with pytest.raises(DataError, match=r"had layers \['classes', 'probabilities', 'uncertainty'\] instead"):
        inferencer.write_map(long_scene, tmp_path / "map.tif", resume=True)
    with pytest.raises(DataError, match=r"had scale 1\.0 instead of 2\.0"):
        write(inferencer, long_scene, tmp_path, resume=True, scale=2.0)
    os.utime(long_scene, (1, 1))
    with pytest.raises(DataError, match="had scene "):
        write(inferencer, long_scene, tmp_path, resume=True)
    assert (tmp_path / "map.tif.partial/classes.raw").read_bytes() == kept
    write(other, long_scene, tmp_path)  # starts over
    assert not (tmp_path / "map.tif.partial").exists()


def interrupted(trained, scene, folder, row=20):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint)
    with pytest.raises(KeyboardInterrupt):
        write(inferencer, scene, folder, progress=stop_at(row))
    return inferencer, folder / "map.tif.partial"


def test_rows_and_state_that_were_damaged_are_not_taken_up(trained, long_scene, tmp_path, often):
    inferencer, partial = interrupted(trained, long_scene, tmp_path)
    rows, state = (partial / "probabilities.raw").read_bytes(), (partial / "state.json").read_text()
    (partial / "probabilities.raw").write_bytes(rows[:100] + bytes([rows[100] ^ 1]) + rows[101:])
    with pytest.raises(DataError, match=r"probabilities\.raw: its \d+ finished rows are damaged"):
        write(inferencer, long_scene, tmp_path, resume=True)
    (partial / "probabilities.raw").write_bytes(rows[:100])
    with pytest.raises(DataError, match=r"probabilities\.raw: its \d+ finished rows are damaged"):
        write(inferencer, long_scene, tmp_path, resume=True)
    (partial / "probabilities.raw").write_bytes(rows)
    count = json.loads(state)["rows"]
    for damaged in (state[:-40], state.replace(f'"rows": {count}', f'"rows": {count - 5}'), "[]"):
        (partial / "state.json").write_text(damaged)
        with pytest.raises(DataError, match=r"state\.json: cannot be read"):
            write(inferencer, long_scene, tmp_path, resume=True)
    (partial / "state.json").write_text(state)
    write(inferencer, long_scene, tmp_path, resume=True)
    assert not partial.exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("rows", -1, r"rows -1, expected a whole number from 0"),
        ("rows", 1e999, r"rows None, expected a whole number"),  # JSON has no infinite numbers: as NaN
        ("rows", 4.5, r"rows 4\.5, expected a whole number"),
        ("rows", "4", r"rows '4', expected a whole number"),
        ("rows", True, r"rows True, expected a whole number"),
        (
            "rows",
            10**3000,
            r"its 10{399}… finished rows are damaged \(other checksum\); run without --resume to start over$",
        ),
        ("checksums", [["classes", 1]], r"checksums \[\['classes', 1\]\], expected whole numbers by layers"),
        ("checksums", {"classes": 1.0}, r"checksums \{'classes': 1\.0\}, expected whole numbers by layers"),
        ("checksums", {}, r"finished rows are damaged \(other checksum\); run without --resume to start over$"),
        ("settings", [["scene", 1]], r"settings \[\['scene', 1\]\], expected an object"),
        ("settings", {"scene": "x" * 10**5}, r"had scene 'x{399}… instead of \[\["),
    ],
)
def test_a_state_that_cannot_be_is_refused_though_its_checksum_is_right(
    trained, long_scene, tmp_path, often, name, value, said
):
    inferencer, partial = interrupted(trained, long_scene, tmp_path)
    write_state(partial / "state.json", {**read_state(partial / "state.json", "a state"), name: value})
    kept = contents(partial)
    with pytest.raises(DataError, match=said):
        write(inferencer, long_scene, tmp_path, resume=True)
    assert contents(partial) == kept
    write(inferencer, long_scene, tmp_path)
    assert not partial.exists()


def test_an_infinite_number_in_a_state_is_refused(trained, long_scene, tmp_path, often):
    inferencer, partial = interrupted(trained, long_scene, tmp_path)
    state = {**json.loads((partial / "state.json").read_text()), "rows": float("inf")}
    del state["checksum"]
    digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
    (partial / "state.json").write_text(json.dumps({**state, "checksum": digest}))
    with pytest.raises(DataError, match=r"state\.json: cannot be read \(rows inf, expected a whole number from 0\)"):
        write(inferencer, long_scene, tmp_path, resume=True)


@pytest.mark.parametrize("link", [lambda path, to: path.symlink_to(to), lambda path, to: os.link(to, path)])
@pytest.mark.parametrize("resume", [True, False])
def test_no_rows_are_written_through_a_link(trained, long_scene, tmp_path, often, link, resume):
    inferencer, partial = interrupted(trained, long_scene, tmp_path)
    rows, mine = partial / "classes.raw", tmp_path / "mine"
    mine.write_bytes(rows.read_bytes() + b"precious")
    kept = mine.read_bytes()
    rows.unlink()
    link(rows, mine)
    with pytest.raises(DataError, match=r"classes\.raw: is another file too, by a link") if resume else nullcontext():
        write(inferencer, long_scene, tmp_path, resume=resume)
    assert mine.read_bytes() == kept


@pytest.mark.parametrize("value", ["x", -5, 0, [1], 2.5, True])
def test_a_batch_that_cannot_be_is_not_taken_up(trained, long_scene, tmp_path, often, monkeypatch, value):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, batch_size="auto")
    monkeypatch.setattr(inferencer.model, "fastest_batch", lambda *_: 50)
    with pytest.raises(KeyboardInterrupt):
        write(inferencer, long_scene, tmp_path, progress=stop_at(20))
    path = tmp_path / "map.tif.partial/state.json"
    state = read_state(path, "a state")
    write_state(path, {**state, "settings": {**state["settings"], "batch": value}})
    with pytest.raises(DataError, match=r"had batch .* instead of 50"):
        write(inferencer, long_scene, tmp_path, resume=True)


@pytest.mark.parametrize("name", ["notes.txt", "state.json", "classes.raw"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_others_is_left_alone(trained, long_scene, tmp_path, name, resume):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    theirs = tmp_path / "map.tif.partial" / name
    theirs.parent.mkdir()
    theirs.write_text('{"theirs": 1}')
    with pytest.raises(DataError, match=r"holds .*not of an interrupted run; move it|state\.json: cannot be read"):
        SceneInferencer(config, checkpoint).write_map(long_scene, tmp_path / "map.tif", resume=resume)
    assert theirs.read_text() == '{"theirs": 1}'
    assert sorted(path.name for path in theirs.parent.iterdir()) == [name]


def test_two_runs_do_not_write_one_file(trained, long_scene, tmp_path, often):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer, others = SceneInferencer(config, checkpoint), []

    def second_run(done, total):
        if done > 30 and not others:
            for path in tmp_path.glob("*.partial/.lock*"):
                path.unlink()  # lets nobody in
            for names in (dict(out="map.tif"), dict(out="other.tif", uncertainty=tmp_path / "uncertainty.tif")):
                out = tmp_path / names.pop("out")
                # In a thread: who holds a file may write it, also within its own progress.
                with ThreadPoolExecutor(1) as pool:
                    run = pool.submit(SceneInferencer(config, checkpoint).write_map, long_scene, out, **names)
                message = r"output .*\.partial: in use by .*; wait for it, end it, or give"
                with pytest.raises(ConfigError, match=message):
                    run.result()
                others.append(out)

    write(inferencer, long_scene, tmp_path / "alone")
    write(inferencer, long_scene, tmp_path, progress=second_run)
    assert len(others) == 2
    assert all((tmp_path / name).read_bytes() == (tmp_path / "alone" / name).read_bytes() for name in OUTPUTS)
    assert not list(tmp_path.glob("*.partial"))


def write_envi(folder):
    cube = np.random.default_rng(0).normal(500, 200, (90, 30, BANDS)).astype(np.float32)
    place = dict(height=90, width=30, count=BANDS, dtype="float32")
    with rasterio.open(folder / "scene.img", "w", "ENVI", **place) as file:
        file.write(cube.transpose(2, 0, 1))
    return folder / "scene.hdr", folder / "scene.img"


def write_vrt(folder):
    cube = np.random.default_rng(0).normal(500, 200, (90, 30, BANDS)).astype(np.float32)
    write_cube(folder / "inner.tif", HSICube(cube))
    source = (
        "<SimpleSource><SourceFilename relativeToVRT='1'>{}</SourceFilename><SourceBand>{}</SourceBand></SimpleSource>"
    )
    for name, inner in (("middle.vrt", "inner.tif"), ("scene.vrt", "middle.vrt")):
        bands = "".join(
            f"<VRTRasterBand dataType='Float32' band='{i}'>{source.format(inner, i)}</VRTRasterBand>"
            for i in range(1, BANDS + 1)
        )
        text = f"<VRTDataset rasterXSize='30' rasterYSize='90'>{bands}</VRTDataset>"
        (folder / name).write_text(text)
    return folder / "scene.vrt", folder / "inner.tif"


def write_with_sidecar(folder):
    cube = np.random.default_rng(0).normal(500, 200, (90, 30, BANDS)).astype(np.float32)
    write_cube(folder / "scene.tif", HSICube(cube))
    (folder / "scene.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    return folder / "scene.tif", folder / "scene.tif.aux.xml"


@pytest.mark.parametrize("make", [write_envi, write_vrt, write_with_sidecar])
def test_a_change_in_any_file_of_the_scene_is_noticed(trained, tmp_path, often, make):
    scene, beside = make(tmp_path)
    inferencer, partial = interrupted(trained, scene, tmp_path)
    # Its own outputs, and what belongs to others, are no part of the scene.
    (tmp_path / "scene.map.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    os.utime(beside, (1, 1))
    with pytest.raises(DataError, match=r"cannot be resumed, the interrupted run had scene .*" + beside.name):
        write(inferencer, scene, tmp_path, resume=True)
    assert partial.exists()


def test_a_batch_found_out_is_kept(trained, long_scene, tmp_path, often, monkeypatch):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, batch_size="auto")
    with pytest.raises(KeyboardInterrupt):
        write(inferencer, long_scene, tmp_path, progress=stop_at(20))
    monkeypatch.setattr(inferencer.model, "fastest_batch", lambda *_: pytest.fail("asked again"))
    write(inferencer, long_scene, tmp_path, resume=True)
    assert (tmp_path / "map.tif").exists()


def test_nothing_to_resume_starts_over(trained, long_scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    SceneInferencer(config, checkpoint).write_map(long_scene, tmp_path / "map.tif", resume=True)
    assert (tmp_path / "map.tif").exists()


def corrupt(path, band, fraction):
    """Overwrite a stretch of the compressed data of a GeoTIFF."""
    with rasterio.open(path) as file:
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_0_{fraction}", "TIFF", bidx=band))
        size = int(file.get_tag_item(f"BLOCK_SIZE_0_{fraction}", "TIFF", bidx=band))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)


def test_a_corrupt_tile_in_the_middle_names_the_rows_and_keeps_what_is_finished(trained, tmp_path, often, monkeypatch):
    path = tmp_path / "scene.tif"
    write_cube(path, HSICube(np.random.default_rng(0).normal(500, 200, (700, 30, BANDS)).astype(np.float32)))
    corrupt(path, 3, 3)  # rows 384 to 511
    monkeypatch.setattr("mmhsi.inference.scene_rows.rows_at_a_time", lambda *_: 32)
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    with pytest.raises(DataError, match=r"scene\.tif: .*rows 384 to 415.*; \d+ finished rows are kept in .*\.partial"):
        SceneInferencer(config, checkpoint).write_map(path, tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()
    assert 350 < json.loads((tmp_path / "map.tif.partial/state.json").read_text())["rows"] <= 384


def write_with_little_room(inferencer, scene, out, limit, pipe):
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        inferencer.write_map(scene, out)
    except DataError as error:
        pipe.send(str(error))


@pytest.mark.parametrize("full_at", ["rows", "GeoTIFF"])
def test_a_full_disk_is_said_and_what_is_finished_stays(trained, tmp_path, often, full_at):
    scene = tmp_path / "scene.tif"
    write_cube(scene, HSICube(np.random.default_rng(0).normal(500, 200, (50, 60, BANDS)).astype(np.float32)))
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint)
    inferencer.write_map(scene, tmp_path / "whole/map.tif")
    if full_at == "GeoTIFF":  # which has a colour table, so that it is larger than a small scene's rows
        write_cube(scene, HSICube(np.random.default_rng(0).normal(500, 200, (20, 60, BANDS)).astype(np.float32)))
        inferencer.write_map(scene, tmp_path / "whole/map.tif")
        limit = (tmp_path / "whole/map.tif").stat().st_size - 1
        assert limit > 20 * 60
    else:
        limit = 2500
    here, there = multiprocessing.Pipe(duplex=False)
    join(fork(write_with_little_room, inferencer, scene, tmp_path / "out/map.tif", limit, there))
    assert here.poll()
    message = here.recv()
    assert "cannot write" in message
    assert "finished rows are kept in" in message
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["map.tif.partial"]
    inferencer.write_map(scene, tmp_path / "out/map.tif", resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_too_little_room_is_found_before_work_starts(trained, long_scene, tmp_path, monkeypatch):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match="GB are needed for the rows"):
        SceneInferencer(config, checkpoint).write_map(long_scene, tmp_path / "out/map.tif")
    assert not list((tmp_path / "out").iterdir())
