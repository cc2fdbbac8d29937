"""A raw file of a lab camera is classified by its references, from the training to the map."""

import json

import numpy as np
import pytest

from mmhsi.io import read_class_map

BANDS, SIDE = 5, 24


def write_raw(path, values):
    """ENVI, band interleaved by line."""
    rows, columns, bands = values.shape
    np.ascontiguousarray(values.transpose(0, 2, 1)).astype("<u2").tofile(path.with_suffix(".raw"))
    lines = f"samples = {columns}\nlines = {rows}\nbands = {bands}\ninterleave = bil\ndata type = 12\nbyte order = 0\n"
    path.write_text(f"ENVI\n{lines}header offset = 0\n")


@pytest.mark.filterwarnings("ignore")
def test_white_and_dark_reach_the_map(run_tool, tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    truth = np.kron([[1, 2, 1], [2, 1, 2], [1, 2, 1]], np.ones((8, 8), int))
    light = np.linspace(300, 3000, SIDE)[None, :, None]  # falls off to the left, as under a lamp
    spectra = np.array([[0.2, 0.3, 0.4, 0.5, 0.6], [0.6, 0.5, 0.4, 0.3, 0.2]])
    reflectance = spectra[truth - 1] * rng.normal(1, 0.02, (SIDE, SIDE, BANDS))
    write_raw(tmp_path / "leaf.hdr", 100 + reflectance * light)
    write_raw(tmp_path / "w.hdr", np.broadcast_to(100 + light, (4, SIDE, BANDS)))
    write_raw(tmp_path / "d.hdr", np.full((4, SIDE, BANDS), 100))
    few = np.where(rng.random(truth.shape) < 0.15, truth, 0)
    np.save(tmp_path / "labels.npy", few)
    monkeypatch.chdir(tmp_path)
    references = ("--white", "w.hdr", "--dark", "d.hdr")
    arguments = ("classify", tmp_path / "leaf.hdr", tmp_path / "labels.npy", "--out", tmp_path / "map.tif")
    options = ("--models", "lda-on-spectra", "--minutes", 1, "--report", tmp_path / "r.json")
    assert run_tool(*arguments, *options, *references) == 0
    assert (read_class_map(tmp_path / "map.tif").classes + 1 == truth).mean() > 0.99
    facts = json.loads((tmp_path / "r.json").read_text())["facts"]
    read = {f"{stem}.{suffix}" for stem in ("leaf", "w", "d") for suffix in ("hdr", "raw")} | {"labels.npy"}
    assert {name.removeprefix("SHA-256 of ") for name in facts if name.startswith("SHA")} == read
    assert run_tool(*arguments, *options, "--white", "w.hdr", "--work-dir", tmp_path / "no_dark") == 0
    warnings = json.loads((tmp_path / "r.json").read_text())["warnings"]
    assert sum("no dark reference is known" in text for text in warnings) == 1
    assert run_tool(*arguments, *options, *references) == 0
    # A config that is trained from elsewhere finds them too.
    config = next((tmp_path / "map.tif.work/configs").glob("*.py")).read_text()
    assert f"'white': {str(tmp_path.resolve() / 'w.hdr')!r}" in config
    # The model remembers reflectance: another raw file takes its own references, and is refused without.
    predict = ("predict", tmp_path / "map.tif.work/model.pth", tmp_path / "leaf.hdr", "--out", tmp_path / "again.tif")
    capsys.readouterr()
    assert run_tool(*predict) == 2
    assert "leaf.hdr: has raw values, the model was trained on reflectance by a dark" in capsys.readouterr().err
    assert run_tool(*predict, *references) == 0
    again, first = (read_class_map(tmp_path / name).classes for name in ("again.tif", "map.tif"))
    np.testing.assert_array_equal(again, first)
    shown = ("analysis/show_spectra", tmp_path / "leaf.hdr", tmp_path / "map.tif", "--out", tmp_path / "s.png")
    assert run_tool(*shown, *references) == 0
    assert (tmp_path / "s.png").is_file()
