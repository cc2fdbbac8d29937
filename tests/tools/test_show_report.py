"""tools/analysis/show_report.py on a report of the metric."""

import json

import numpy as np
import pytest
from PIL import Image

from mmhsi.errors import DataError
from mmhsi.evaluation import ConfusionMatrix
from mmhsi.evaluation.metric import write_report
from mmhsi.visualization.confusion import save_confusion_figure

TOOL = "analysis/show_report"


def test_table_and_picture(run_tool, tmp_path, capsys):
    matrix = ConfusionMatrix(np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]]))
    write_report(tmp_path / "r.json", matrix, ("road", "tree", "water"), {"OA": 11 / 14 * 100}, "two halves")
    assert run_tool(TOOL, tmp_path / "r.json", "--out", tmp_path / "c.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "two halves"
    assert lines[4:7] == [
        "| road | 10 | 80.00 | 72.73 |",
        "| tree | 4 | 75.00 | 50.00 |",
        "| water | 0 | absent | absent |",
    ]
    assert lines[-2:] == ["OA 78.57", f"picture: {tmp_path / 'c.png'}"]
    picture = np.asarray(Image.open(tmp_path / "c.png").convert("RGB"))
    save_confusion_figure(tmp_path / "d.png", matrix.counts.T, ("road", "tree", "water"))
    assert (picture != np.asarray(Image.open(tmp_path / "d.png").convert("RGB"))).any()  # rows are the truth


CLASS = dict(name="a", pixels=1, accuracy=1.0, iou=1.0)
REPORT = dict(protocol="", metrics={"OA": 1.0}, classes=[CLASS], confusion_matrix=[[1]])
WRONG = [dict(classes=[]), dict(metrics={"OA": "x"}), dict(protocol=1), dict(confusion_matrix=[[1, 2]])]


@pytest.mark.parametrize("text", ["", "{}", "[]", *(json.dumps(REPORT | change) for change in WRONG)])
def test_another_file_is_refused(text, run_tool, tmp_path, capsys):
    (tmp_path / "r.json").write_text(text)
    assert run_tool(TOOL, tmp_path / "r.json") == 2
    assert "report of mmhsi test --out" in capsys.readouterr().err


def test_wrong_shape(tmp_path):
    with pytest.raises(DataError, match=r"matrix of shape \(2, 2\) for 3 classes"):
        save_confusion_figure(tmp_path / "c.png", np.eye(2, dtype=int), ("a", "b", "c"))
