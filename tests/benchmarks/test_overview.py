"""The first table of docs/results.md is that of the recorded figures."""

from experiments.record import known
from overview import BEGIN, END, PAGE, overview


def test_cells_and_order():
    config, other = "configs/classical/lda.py", "configs/mae/a.py"
    entries = [
        dict(config=other, dataset="salinas-a_disjoint", metrics=dict(OA=90.0), runs=3),
        dict(config=other, dataset="salinas-a_20-per-class", metrics=dict(OA=99.0), runs=5),
        dict(config=config, dataset="salinas-a_disjoint", metrics=dict(OA=99.94), spread=dict(OA=0.06), runs=8),
        dict(config=config, dataset="salinas-a_5-per-class", metrics=dict(mIoU=3.0), runs=8),
        dict(config=config, dataset="salinas-a_20-per-class", metrics=dict(OA=80.0), runs=5),
        dict(config=other, dataset="pavia", metrics=dict(OA=3.0), runs=8),
        dict(config=other, dataset="salinas-a_5-per-class"),
    ]
    lines = overview(entries).splitlines()
    rows = [line for line in lines if line.startswith(("| classical", "| mae"))]
    assert "| Salinas-A, OA | 20 a class (5) | disjoint (8) |" in lines
    assert rows == ["| classical/lda | 80.0 | 99.9 ± 0.1 |", "| mae/a | 99.0 |  |"]


def test_the_page_has_the_recorded_figures():
    text = PAGE.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == overview(known()).strip()
