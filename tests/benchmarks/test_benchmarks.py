"""The suite of benchmarks runs, its tables say what was measured, and the docs name what exists."""

import re
import subprocess
import sys

import gpu_steps
import labelling
import numpy as np
import pytest
import run as suite
import scaling
import side_by_side
import torch
from mmengine.logging import MMLogger
from torch import nn

PAGE = "before\n<!-- comparisons: begin -->\n<!-- comparisons: end -->\nafter\n"


@pytest.fixture(autouse=True)
def _put_back(monkeypatch):
    """What the benchmarks' preparation changes in this process."""
    monkeypatch.setattr(MMLogger, "_instance_dict", MMLogger._instance_dict.copy())
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def rows(text):
    return [cells(line) for line in text.splitlines() if line.startswith("| `")]


def test_every_comparison_has_a_name_and_a_goal_that_can_be_judged(capsys):
    files = suite.all_comparisons()
    every = [comparison for comparisons in files.values() for comparison in comparisons]
    assert len({*files, *(comparison.name for comparison in every)}) == len(files) + len(every)
    for comparison in every:
        if comparison.goal:
            sign, limit = comparison.goal.split()
            assert sign in side_by_side.SIGNS
            assert float(limit) > 0
    side_by_side.main(files, ["--list"])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == [comparison.name for comparison in every]
    assert all(comparison.goal in line for comparison, line in zip(every, listed, strict=True))


def test_quick_run_prints_a_table(capsys):
    names = ["sst-spectral-layer", "head-linear", "mrs_masking"]
    side_by_side.main(suite.all_comparisons(), ["--quick", "--only", *names])
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"Machine: .+, \d+ cores, \d+ GiB, no GPU; .+, Python [\d.]+, torch .+, numpy [\d.]+\.", lines[0])
    assert [len(cells(line)) for line in lines[1:]] == [6] * 6
    found = {row[0].strip("`"): row for row in rows("\n".join(lines))}
    assert list(found) == ["sst-spectral-layer", "mrs-masks", "random-masks", "head-linear"]  # the suite's order
    for _, title, goal, ratio, figures, rounds in found.values():
        first, second = (float(figure.replace(",", "")) for figure in figures.rsplit(" ", 1)[0].split(" beside "))
        assert float(ratio) == pytest.approx(first / second, rel=0.02)
        assert title
        assert rounds == "1, quick"  # and no verdict
        assert "passed" not in goal
        assert "missed" not in goal


@pytest.mark.slow
@pytest.mark.parametrize(("file", "name"), [("start_up", "imports"), ("compiled_passes", "compiled-tiles")])
def test_what_the_page_tells_in_its_text_runs_too(file, name, repository):
    words = [sys.executable, repository / f"benchmarks/{file}.py", "--quick", "--only", name]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert [row[0].strip("`") for row in rows(found.stdout)] == [name]


def test_a_and_b_take_turns_and_the_first_round_does_not_count(tmp_path):
    calls, figures = [], iter([100, 1, 2, 2, 6, 3, 9, 3])

    def side(name):
        return lambda: calls.append(name) or next(figures)

    comparison = side_by_side.Comparison("x", "A beside B", lambda _: (side("A"), side("B")), "≤ 2")
    pairs = comparison.measure(None, 3)
    assert "".join(calls) == "ABABABAB"
    assert pairs.tolist() == [[2, 2], [6, 3], [9, 3]]
    assert cells(comparison.row(pairs, "now")) == [
        "`x`",
        "A beside B",
        "≤ 2: passed",
        "2 (1 to 3)",
        "6 beside 3 s",
        "3, now",
    ]


@pytest.mark.parametrize(("goal", "verdict"), [("< 1.5", "**missed**"), ("≤ 1.5", "passed"), ("≥ 1.6", "**missed**")])
def test_memory_alone_is_judged_itself(goal, verdict):
    comparison = side_by_side.Comparison("m", "peak", lambda _: (lambda: 1.5, None), goal, "GiB", "memory")
    row = cells(comparison.row(comparison.measure(None, 5), "now"))
    assert row == ["`m`", "peak", f"{goal} GiB: {verdict}", "", "1.5 GiB", "1, now"]


def test_rows_are_written_in_order_and_kept_on_the_same_machine_alone(tmp_path):
    write_row, page = side_by_side.write_row, tmp_path / "page.md"
    page.write_text(PAGE)
    for machine, row in (("M.", "| `b` | 1 |"), ("M.", "| `a` | 2 |"), ("M.", "| `b` | 3 |")):
        write_row(page, "comparisons", machine, ["a", "b"], row)
    text = page.read_text()
    assert text.startswith("before\n<!-- comparisons: begin -->\nM.\n\n| name |")
    assert text.endswith("| `a` | 2 |\n| `b` | 3 |\n<!-- comparisons: end -->\nafter\n")
    write_row(page, "comparisons", "Another.", ["a", "b"], "| `b` | 4 |")
    assert rows(page.read_text()) == [["`b`", "4"]]
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="has no lines <!-- comparisons: begin -->"):
        write_row(page, "comparisons", "M.", ["a"], "| `a` | 1 |")
    assert page.read_text() == "no marks"


@pytest.mark.parametrize("wrong", [["--only", "nothing-of-that-name"], ["--quick", "--write", "page.md"]])
def test_wrong_arguments_are_refused(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        side_by_side.main({}, wrong)
    assert "error:" in capsys.readouterr().err


def test_a_page_loses_no_rows_to_fewer(tmp_path, capsys, run_tool):
    page = tmp_path / "page.md"
    page.write_text("kept")
    for module, only in ((scaling, scaling.SWEEPS[0].name), (gpu_steps, gpu_steps.STEPS[0].name)):
        with pytest.raises(SystemExit, match="2"):
            module.main(["--only", only, "--write", str(page)])
        assert "out of the page" in capsys.readouterr().err
    assert run_tool("benchmarks/labelling", "--seeds", 1, "--write", page) == 2
    assert "the page's rows are of 5 seeds" in capsys.readouterr().err
    assert run_tool("benchmarks/mixed_transfer", "--no-run", "--out", tmp_path, "--write", page) == 2
    assert "scores are missing" in capsys.readouterr().err
    assert page.read_text() == "kept"


def test_exponent_is_that_of_the_power_law():
    slope, error = scaling.exponent([1, 2, 4, 8, 16], [50, *(3 * np.array([2, 4, 8, 16]) ** 1.5)])
    assert (slope, error) == (pytest.approx(1.5), pytest.approx(0, abs=1e-6))  # of the four largest


def test_quick_sweeps_print_a_table(capsys):
    names = ["bands-sst", "bands-sst-joint"]
    scaling.main(["--quick", "--only", *names])
    found = rows(capsys.readouterr().out)
    assert [row[0].strip("`") for row in found] == names
    assert [len(row) for row in found] == [7, 7]
    counted = [float(row[4]) for row in found]
    # 32 to 128 bands, G = 8 to 32, on N = 16 places: products of a token's maps, and of attention over n tokens.
    shares = ([67584 + 256 * (g + 16) for g in (8, 16, 32)], [67584 + 512 * 16 * g for g in (8, 16, 32)])
    for slope, products in zip(counted, shares, strict=True):
        cost = np.array(products) * (8, 16, 32)
        assert slope == pytest.approx(np.polyfit(np.log((8, 16, 32)), np.log(cost), 1)[0], abs=0.06)


def test_steps_count_their_operations_and_write_their_table(tmp_path, monkeypatch, capsys):
    def linear(batch, device):
        model, x = nn.Linear(1000, 1000, bias=False).to(device), torch.randn(batch, 1000, device=device)
        return model, lambda: model(x).square().mean()

    monkeypatch.setattr(gpu_steps, "STEPS", [gpu_steps.Step("linear", 5000, linear, gpu_steps.ADAMW)])
    monkeypatch.setattr(gpu_steps, "MAPS", (("tiny", 128),))
    monkeypatch.setattr(gpu_steps, "PRECISIONS", ("float32",))
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("comparisons", "gpu-steps"))
    words = ["--device", "cpu", "--rounds", "1", "--side", "64", "--write", str(page)]
    gpu_steps.main(words)
    written = [cells(line) for line in page.read_text().splitlines() if line.startswith("| ")]
    step = dict(zip(*(written[k] for k in (0, 2)), strict=True))
    assert (step["step"], step["batch"], step["precision"]) == ("linear", "5,000", "float32")
    assert step["TFLOP a step"] == "0.02"  # the product and the weights' gradient, 2 · 5000 · 1000 · 1000 each
    rate = float(step["samples/s"].replace(",", "")) / 5000 * 0.02
    assert float(step["TFLOP/s"]) == pytest.approx(rate, abs=0.51)
    assert [row[1] for row in written[5:]] == ["float32", "bfloat16"]
    assert all(float(row[3]) > 0.5 for row in written[5:])  # a map takes about what its passes take, or more
    with pytest.raises(SystemExit, match="2"):
        gpu_steps.main(["--only", "no such"])
    with pytest.raises(SystemExit, match="2"):
        gpu_steps.main(["--device", "cuda:99"])
    assert "--device cuda:99" in capsys.readouterr().err


def test_the_docs_name_what_exists(repository):
    page = (repository / "docs/benchmarks.md").read_text()
    for block, names in (
        ("comparisons", [c.name for comparisons in suite.all_comparisons().values() for c in comparisons]),
        ("scaling", [sweep.name for sweep in scaling.SWEEPS]),
    ):
        table = page.partition(f"<!-- {block}: begin -->")[2].partition(f"<!-- {block}: end -->")[0]
        assert [row[0].strip("`") for row in rows(table)] == names
    for path in (*repository.glob("docs/**/*.md"), *repository.glob("configs/*/README.md")):
        for name in re.findall(r"(?<![\w/])benchmarks/(?:tables/)?[a-z_]+\.py", path.read_text()):
            assert (repository / name).is_file(), f"{path.name} names {name}"


def test_scenes_that_are_measured_anew_leave_the_others_of_a_page_in_their_order():
    page = (
        "x\n<!-- labelling: begin -->\n| scene | points |\n| --- | --- |\n| A | r |\n| A | s |\n| B | r |\n| C | r |\n"
    )
    found = labelling.with_earlier(["| B | new", "| B | newer"], page + "<!-- labelling: end -->\n| Z | r |\n", "ABCD")
    assert found == ["| A | r |", "| A | s |", "| B | new", "| B | newer", "| C | r |"]
