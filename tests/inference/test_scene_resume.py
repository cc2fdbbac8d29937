"""Runs that end early, and what a resumed run makes of them."""

import json
import multiprocessing
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import rasterio
import torch
from interrupted_runs import OUTPUTS, contents, interrupt, stop_at, write, write_scene
from processes import SECONDS, fork, join
from scene_models import PIXEL_CONV, SEGMENT_CONV3

from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV3], ids=["pixel", "segment"])
@pytest.mark.parametrize("row", [1, 33, 79])
def test_a_resumed_run_gives_the_same_bytes(trained, long_scene, tmp_path, often, model, row):
    config, checkpoint, _ = trained(model, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, stride=None if model is PIXEL_CONV else 2, batch_size=5)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(inferencer, long_scene, whole)
    kept = interrupt(inferencer, long_scene, parts, row)
    assert list(parts.iterdir()) == [kept]
    done = []
    write(inferencer, long_scene, parts, resume=True, progress=lambda *rows: done.append(rows[0]))
    assert row <= done[0] < 90
    assert contents(whole) == contents(parts)


def write_half(inferencer, scene, folder, pipe):
    def progress(done, total):
        if done > 45:  # rows are saved after they are counted, but before the next strip is
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
    assert here.recv() > 45
    process.kill()
    assert join(process) == -signal.SIGKILL
    assert sorted(path.name for path in parts.iterdir()) == sorted(f"{name}.partial" for name in OUTPUTS)
    assert 40 < json.loads((parts / "map.tif.partial/state.json").read_text())["rows"] < 90
    # Rows that were written but not yet declared finished are written anew.
    with (parts / "map.tif.partial/classes.raw").open("ab") as file:
        file.write(b"\x07" * 45)
    write(inferencer, long_scene, parts, resume=True)
    assert contents(whole) == contents(parts)


def test_a_run_killed_while_it_writes_the_files_is_finished(inferencer, long_scene, tmp_path, often, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(inferencer, long_scene, whole)
    with monkeypatch.context() as patch:
        patch.setattr("mmhsi.inference.writers.ValueMapWriter.write_rows", lambda *_: stop_at(0)(0))
        with pytest.raises(KeyboardInterrupt):
            write(inferencer, long_scene, parts)
    (parts / ".map.tif.0123456789ab.tmp").write_bytes(b"half of a GeoTIFF")
    write(inferencer, long_scene, parts, resume=True)
    assert contents(whole) == contents(parts)


def test_two_runs_do_not_write_one_file(make, inferencer, long_scene, tmp_path, often):
    others = []

    def second_run(done, total):
        if done > 30 and not others:
            for path in tmp_path.glob("*.partial/.lock*"):
                path.unlink()  # lets nobody in
            for names in (dict(out="map.tif"), dict(out="other.tif", uncertainty=tmp_path / "uncertainty.tif")):
                out = tmp_path / names.pop("out")
                # In a thread: who holds a file may write it, also within its own progress.
                with ThreadPoolExecutor(1) as pool:
                    run = pool.submit(make().write_map, long_scene, out, **names)
                message = r"output .*\.partial: in use by .*; wait for it, end it, or give"
                with pytest.raises(ConfigError, match=message):
                    run.result()
                others.append(out)

    write(inferencer, long_scene, tmp_path / "alone")
    write(inferencer, long_scene, tmp_path, progress=second_run)
    assert len(others) == 2
    assert all((tmp_path / name).read_bytes() == (tmp_path / "alone" / name).read_bytes() for name in OUTPUTS)
    assert not list(tmp_path.glob("*.partial"))


def test_nothing_to_resume_starts_over(inferencer, long_scene, tmp_path):
    inferencer.write_map(long_scene, tmp_path / "map.tif", resume=True)
    assert (tmp_path / "map.tif").exists()


def corrupt(path, band, fraction):
    """Overwrite a stretch of the compressed data of a GeoTIFF."""
    with rasterio.open(path) as file:
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_0_{fraction}", "TIFF", bidx=band))
        size = int(file.get_tag_item(f"BLOCK_SIZE_0_{fraction}", "TIFF", bidx=band))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)


def test_a_corrupt_tile_in_the_middle_names_the_rows_and_keeps_what_is_finished(
    inferencer, tmp_path, often, monkeypatch
):
    path = write_scene(tmp_path / "scene.tif", 700)
    corrupt(path, 3, 3)  # rows 384 to 511
    monkeypatch.setattr("mmhsi.inference.scene_rows.rows_at_a_time", lambda *_: 32)
    with pytest.raises(DataError, match=r"scene\.tif: .*rows 384 to 415.*; \d+ finished rows are kept in .*\.partial"):
        inferencer.write_map(path, tmp_path / "map.tif")
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
def test_a_full_disk_is_said_and_what_is_finished_stays(inferencer, tmp_path, often, full_at):
    scene = write_scene(tmp_path / "scene.tif", 50, 60)
    inferencer.write_map(scene, tmp_path / "whole/map.tif")
    if full_at == "GeoTIFF":  # which has a colour table, so that it is larger than a small scene's rows
        write_scene(scene, 20, 60)
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


def test_too_little_room_is_found_before_work_starts(inferencer, long_scene, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match="GB are needed for the rows"):
        inferencer.write_map(long_scene, tmp_path / "out/map.tif")
    assert not list((tmp_path / "out").iterdir())
