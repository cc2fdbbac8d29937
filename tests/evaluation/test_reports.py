"""Reports and logs that others wrote, cut or damaged: one line, and nothing of them moves a terminal."""

import copy
import json
import re

import numpy as np
import pytest

from mmhsi.errors import DataError, one_line
from mmhsi.evaluation.confusion import ConfusionMatrix
from mmhsi.evaluation.markdown import cell
from mmhsi.evaluation.metric import LandCoverMetric, cells, format_report, read_report, write_report
from mmhsi.visualization.curves import read_curve, read_scalars

MATRIX = ConfusionMatrix.from_labels(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3)
NAMES = ["crop [/]", "[bold]maize :smile:", "\x1b[2Jsoil\nstone"]


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.json"
    write_report(path, MATRIX, NAMES, MATRIX.percentages(), "20 a class \x1b[31m")
    return path


def test_class_names_are_texts():
    shown = format_report(MATRIX, NAMES)
    for name in (*NAMES[:2], "\\x1b[2Jsoil\\nstone"):
        assert name in shown
    assert "\x1b" not in shown


def test_names_of_a_report_are_printable(report):
    found = read_report(report)
    assert found["protocol"] == "20 a class \\x1b[31m"
    assert cells(found["classes"][2])[0] == "\\x1b[2Jsoil\\nstone"
    assert cells(found["classes"][0]) == ["crop [/]", "2", "50.00", "50.00"]


def put(*keys, value):
    def change(report):
        place = report
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("classes", value=3),
        put("classes", value=[]),
        put("classes", 0, value=None),
        put("classes", 0, "name", value=["a"]),
        put("classes", 0, "pixels", value="many"),
        put("classes", 0, "accuracy", value=None),
        put("classes", 0, "accuracy", value="good"),
        put("classes", 0, "iou", value=10**400),
        put("confusion_matrix", value=[[1]]),
        put("confusion_matrix", 0, 0, value="1"),
        put("confusion_matrix", 0, 0, value=1.5),
        put("confusion_matrix", 0, 0, value=2**80),
        put("confusion_matrix", 0, value=3),
        put("protocol", value=7),
        put("metrics", value=[1]),
        put("metrics", "OA", value="high"),
    ],
)
def test_a_crafted_report_is_one_line(report, change):
    content = json.loads(report.read_text())
    change(content)
    report.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"report\.json: not a report of mmhsi test --out"):
        read_report(report)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe\x00", b"null", b"[]", b'{"classes": 1e999}'])
def test_what_is_no_report(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json: "):
        read_report(tmp_path / "a.json")


@pytest.mark.parametrize(
    "line",
    [b"{", b"3", b"[]", b'{"loss": 1}', b'{"step": "a"}', b'{"step": [1]}', b'{"step": 1, "epoch": {}}', b"[" * 90_000],
)
def test_a_crafted_log_is_one_line(tmp_path, line):
    log = tmp_path / "now" / "vis_data" / "scalars.json"
    log.parent.mkdir(parents=True)
    log.write_bytes(line + b'\n{"step": 2, "epoch": 1, "loss": 0.5}\n')
    for read in (lambda: read_curve(tmp_path, "loss"), lambda: read_scalars(tmp_path)):
        with pytest.raises(DataError, match=r"scalars\.json: line 1 is no record of a step"):
            read()


def test_values_that_are_no_numbers_are_not_drawn(tmp_path):
    log = tmp_path / "now" / "vis_data" / "scalars.json"
    log.parent.mkdir(parents=True)
    records = [dict(step=1, epoch=1, loss=value) for value in (0.5, "a", None, [1], True, 10**400)]
    log.write_text("\n".join(map(json.dumps, copy.deepcopy(records))))
    assert read_curve(tmp_path, "loss").tolist() == [[1, 0.5]]
    assert read_scalars(tmp_path)["loss"][1].tolist() == [[1, 0.5]]


@pytest.mark.parametrize(
    "name", ["a|b", "<script>", "[x](http://192.0.2.1)", "`a", "*a*", "a\\|b", "a\n| b |", "\x1b[31m"]
)
def test_a_name_is_one_cell_of_markdown(name):
    assert re.sub(r"\\(.)", r"\1", cell(name)) == one_line(name)
    assert not set(re.sub(r"\\.", "", cell(name))) & set("|<[*`\n\x1b")


def test_samples_without_any_label_are_said():
    """All shares would be of nothing."""
    metric = LandCoverMetric()
    metric.dataset_meta = dict(classes=["a", "b"])
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(DataError, match="no pixel of the samples that were predicted has a label"):
        metric.compute_metrics([(nothing, nothing)])
