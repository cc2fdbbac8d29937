"""What an interrupted run has left: taken up where it is whole and of the same run, else refused."""

import hashlib
import json
import os
from contextlib import nullcontext

import pytest
import rasterio
from interrupted_runs import contents, interrupt, noise, write, write_scene
from scene_models import BANDS

from mmhsi.errors import DataError
from mmhsi.io.json_file import read_state, write_state

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


def test_a_run_with_other_settings_is_not_resumed(make, long_scene, tmp_path, often):
    inferencer, other = make(batch_size=50), make(batch_size=51)
    kept = interrupt(inferencer, long_scene, tmp_path)
    rows = (kept / "classes.raw").read_bytes()
    with pytest.raises(DataError, match=r"map\.tif\.partial: cannot be resumed, .* batch 50 instead of 51"):
        write(other, long_scene, tmp_path, resume=True)
    with pytest.raises(DataError, match=r"had layers \['classes', 'probabilities', 'uncertainty'\] instead"):
        inferencer.write_map(long_scene, tmp_path / "map.tif", resume=True)
    with pytest.raises(DataError, match=r"had scale 1\.0 instead of 2\.0"):
        write(inferencer, long_scene, tmp_path, resume=True, scale=2.0)
    os.utime(long_scene, (1, 1))
    with pytest.raises(DataError, match="had scene "):
        write(inferencer, long_scene, tmp_path, resume=True)
    assert (kept / "classes.raw").read_bytes() == rows
    write(other, long_scene, tmp_path)  # starts over
    assert not kept.exists()


def test_rows_and_state_that_were_damaged_are_not_taken_up(inferencer, kept, long_scene, tmp_path):
    rows, state = (kept / "probabilities.raw").read_bytes(), (kept / "state.json").read_text()
    (kept / "probabilities.raw").write_bytes(rows[:100] + bytes([rows[100] ^ 1]) + rows[101:])
    with pytest.raises(DataError, match=r"probabilities\.raw: its \d+ finished rows are damaged"):
        write(inferencer, long_scene, tmp_path, resume=True)
    (kept / "probabilities.raw").write_bytes(rows[:100])
    with pytest.raises(DataError, match=r"probabilities\.raw: its \d+ finished rows are damaged"):
        write(inferencer, long_scene, tmp_path, resume=True)
    (kept / "probabilities.raw").write_bytes(rows)
    count = json.loads(state)["rows"]
    for damaged in (state[:-40], state.replace(f'"rows": {count}', f'"rows": {count - 5}'), "[]"):
        (kept / "state.json").write_text(damaged)
        with pytest.raises(DataError, match=r"state\.json: cannot be read"):
            write(inferencer, long_scene, tmp_path, resume=True)
    (kept / "state.json").write_text(state)
    write(inferencer, long_scene, tmp_path, resume=True)
    assert not kept.exists()


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
    inferencer, kept, long_scene, tmp_path, name, value, said
):
    write_state(kept / "state.json", {**read_state(kept / "state.json", "a state"), name: value})
    before = contents(kept)
    with pytest.raises(DataError, match=said):
        write(inferencer, long_scene, tmp_path, resume=True)
    assert contents(kept) == before
    write(inferencer, long_scene, tmp_path)
    assert not kept.exists()


def test_an_infinite_number_in_a_state_is_refused(inferencer, kept, long_scene, tmp_path):
    state = {**json.loads((kept / "state.json").read_text()), "rows": float("inf")}
    del state["checksum"]
    rest = json.dumps(state)[1:]
    digest = hashlib.sha256(rest.encode()).hexdigest()
    (kept / "state.json").write_text(f'{{\n "checksum": "{digest}",{rest}')
    with pytest.raises(DataError, match=r"state\.json: cannot be read \(rows inf, expected a whole number from 0\)"):
        write(inferencer, long_scene, tmp_path, resume=True)


@pytest.mark.parametrize("link", [lambda path, to: path.symlink_to(to), lambda path, to: os.link(to, path)])
@pytest.mark.parametrize("resume", [True, False])
def test_no_rows_are_written_through_a_link(inferencer, kept, long_scene, tmp_path, link, resume):
    rows, mine = kept / "classes.raw", tmp_path / "mine"
    mine.write_bytes(rows.read_bytes() + b"precious")
    precious = mine.read_bytes()
    rows.unlink()
    link(rows, mine)
    with pytest.raises(DataError, match=r"classes\.raw: is another file too, by a link") if resume else nullcontext():
        write(inferencer, long_scene, tmp_path, resume=resume)
    assert mine.read_bytes() == precious


@pytest.mark.parametrize("value", ["x", -5, 0, [1], 2.5, True])
def test_a_batch_that_cannot_be_is_not_taken_up(make, long_scene, tmp_path, often, monkeypatch, value):
    inferencer = make(batch_size="auto")
    monkeypatch.setattr(inferencer.model, "fastest_batch", lambda *_: 50)
    path = interrupt(inferencer, long_scene, tmp_path) / "state.json"
    state = read_state(path, "a state")
    write_state(path, {**state, "settings": {**state["settings"], "batch": value}})
    with pytest.raises(DataError, match=r"had batch .* instead of 50"):
        write(inferencer, long_scene, tmp_path, resume=True)


@pytest.mark.parametrize("name", ["notes.txt", "state.json", "classes.raw"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_others_is_left_alone(inferencer, long_scene, tmp_path, name, resume):
    theirs = tmp_path / "map.tif.partial" / name
    theirs.parent.mkdir()
    theirs.write_text('{"theirs": 1}')
    with pytest.raises(DataError, match=r"holds .*not of an interrupted run; move it|state\.json: cannot be read"):
        inferencer.write_map(long_scene, tmp_path / "map.tif", resume=resume)
    assert theirs.read_text() == '{"theirs": 1}'
    assert sorted(path.name for path in theirs.parent.iterdir()) == [name]


def write_envi(folder):
    place = dict(height=90, width=30, count=BANDS, dtype="float32")
    with rasterio.open(folder / "scene.img", "w", "ENVI", **place) as file:
        file.write(noise(90, 30).transpose(2, 0, 1))
    return folder / "scene.hdr", folder / "scene.img"


def write_vrt(folder):
    write_scene(folder / "inner.tif")
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
    write_scene(folder / "scene.tif")
    (folder / "scene.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    return folder / "scene.tif", folder / "scene.tif.aux.xml"


@pytest.mark.parametrize("write_files", [write_envi, write_vrt, write_with_sidecar])
def test_a_change_in_any_file_of_the_scene_is_noticed(inferencer, tmp_path, often, write_files):
    scene, beside = write_files(tmp_path)
    kept = interrupt(inferencer, scene, tmp_path)
    # Its own outputs, and what belongs to others, are no part of the scene.
    (tmp_path / "scene.map.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    os.utime(beside, (1, 1))
    with pytest.raises(DataError, match=r"cannot be resumed, the interrupted run had scene .*" + beside.name):
        write(inferencer, scene, tmp_path, resume=True)
    assert kept.exists()


def test_a_batch_found_out_is_kept(make, long_scene, tmp_path, often, monkeypatch):
    inferencer = make(batch_size="auto")
    interrupt(inferencer, long_scene, tmp_path)
    monkeypatch.setattr(inferencer.model, "fastest_batch", lambda *_: pytest.fail("asked again"))
    write(inferencer, long_scene, tmp_path, resume=True)
    assert (tmp_path / "map.tif").exists()
