"""Options that say nothing without another one are refused: nobody would read them."""

import pytest

MAP = ["m.pth", "s.tif", "--out", "m.tif"]
FIT = ["c.tif", "l.tif", "--out", "m.tif"]


@pytest.mark.parametrize(
    ("tool", "words", "message"),
    [
        ("predict", [*MAP, "--second-key", "a"], "--second-key says nothing without --second"),
        ("predict", [*MAP, "--labels", "l.tif"], "--labels says nothing without --png"),
        ("predict", [*MAP, "--label-field", "a"], "--label-field says nothing without --labels"),
        (
            "predict",
            [*MAP, "--png", "p.png", "--labels", "l.gpkg", "--labels-key", "a"],
            "--labels-key says nothing of",
        ),
        ("classify", [*FIT, "--label-layer", "a"], "--label-layer says nothing of l.tif; it is for files of polygons"),
        ("classify", [*FIT, "--second-scale", "2"], "--second-scale says nothing without --second"),
        (
            "embed",
            ["m.pth", "s.tif", "--out", "f.tif", "--label-layer", "a"],
            "--label-layer says nothing without",
        ),
        ("score", ["p.npz", "--dataset", "d", "--method", "mine"], "--method says nothing without --out"),
        (
            "analysis/show_map",
            ["s.tif", "m.tif", "--out", "p.png", "--label-ids", "1"],
            "--label-ids says nothing without",
        ),
        ("analysis/browse_report", [".", "--map", "m.tif"], "--map says nothing without --scene"),
        ("analysis/browse_report", [".", "--bands", "1", "2", "3"], "--bands says nothing without --map"),
    ],
)
def test_an_option_that_nobody_would_read_is_one_line(run_tool, tmp_path, monkeypatch, capsys, tool, words, message):
    monkeypatch.chdir(tmp_path)
    there = ["c.tif", "l.gpkg", "l.tif", "m.pth", "s.tif"]
    for name in there:
        (tmp_path / name).touch()
    assert run_tool(tool, *words) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == there
