"""Lines and bars of commands of several steps."""

import io
import sys
import time

import pytest

from mmhsi.cli import console
from mmhsi.cli.console import _WAITING, bar, new_progress, waiting
from mmhsi.cli.steps import Steps
from mmhsi.progress import begin, watched


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for module in ("console", "steps"):
        monkeypatch.setattr(f"mmhsi.cli.{module}.live", lambda: True)


def test_seconds_count_from_the_start_of_the_command(capsys, monkeypatch):
    steps = Steps()
    assert steps.begin == console.BEGUN < time.monotonic()
    monkeypatch.setattr("mmhsi.cli.steps.time.monotonic", lambda: console.BEGUN + 7.04)
    steps.say("scene")
    assert capsys.readouterr().out == "   7.0 s  scene\n"


def test_long_lines_are_broken_between_words_on_a_terminal_alone(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    pipe, terminal = io.StringIO(), io.StringIO()
    terminal.isatty = lambda: True
    line = f"warning: {'of one word ' * 5}/a/path/that-is-to-be-copied-and-longer-than-the-terminal"
    assert console.fitted(line, pipe, "  ") == line
    rows = console.fitted(line, terminal, "  ").split("\n")
    assert " ".join(row.strip() for row in rows) == line
    assert all(row.startswith("  ") for row in rows[1:])
    assert all(len(row) <= 40 for row in rows[:-1])


def test_paths_are_named_as_seen_from_here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    console.print_error(f"{tmp_path / 'a' / 'b.tif'}: is damaged; see {tmp_path.parent / 'c.tif'}")
    assert capsys.readouterr().err == f"error: a/b.tif: is damaged; see {tmp_path.parent / 'c.tif'}\n"


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_left_is_never_cut_by_what_stands_behind_it(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = new_progress()
    text = "epoch 10/100  loss 0.7254  best OA 93.21 at 45  12.3 steps/s"
    shown.add_task("validating", total=100, completed=50, text=text)
    with shown.console.capture() as caught:
        shown.console.print(shown.make_tasks_table(shown.tasks))
    (line,) = caught.get().splitlines()
    assert len(line) <= columns
    assert "left -:--:-- epoch 10/100  loss 0.7254  best OA 93.21" in line
    assert ("50 %" in line) == (columns == 120)


def test_rows_are_told_now_and_then_where_there_is_no_terminal(capsys, monkeypatch):
    steps = Steps()
    steps.begin = steps.told
    clock = [steps.begin]
    monkeypatch.setattr("mmhsi.cli.steps.time.monotonic", lambda: clock[0])
    with steps.rows("classifying"):
        for done, seconds in ((20, 60), (21, 6), (30, 6), (60, 6), (100, 6)):  # resumed at row 20; 60 s to get ready
            steps.moved(done, 100)
            clock[0] += seconds
    said = capsys.readouterr()
    assert said.err == ""
    assert [line.strip() for line in said.out.splitlines()] == [
        "66.0 s    30 % of the rows, about 47 s left",  # 9 rows in 6 s
    ]


def test_a_long_step_says_what_it_is_at_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr("mmhsi.cli.steps.SILENCE", 0.05)
    steps = Steps()
    with steps.working("looking"):
        time.sleep(0.2)
        begin("trying MLP")
        time.sleep(0.2)
    said = capsys.readouterr().out
    assert "looking, for 0 s so far" in said
    assert "trying MLP, for 0 s so far" in said
    steps.quiet = True
    with steps.working("looking"):
        time.sleep(0.2)
    assert capsys.readouterr().out == ""


def test_a_terminal_sees_the_bar_and_the_lines_stay(terminal, capsys):
    steps = Steps()
    with steps.working("trying"):
        steps.say("LDA: 80 %")
    with steps.rows("classifying"):
        steps.moved(1, 2)
    said = capsys.readouterr()
    assert said.out.endswith("s  LDA: 80 %\n")
    assert "trying" in said.err
    assert "classifying" in said.err


def test_quiet_says_nothing_but_what_was_written(terminal, capsys):
    steps = Steps(quiet=True)
    with steps.working("trying"):
        steps.say("LDA: 80 %")
    with steps.rows("classifying"):
        steps.moved(1, 2)
    assert capsys.readouterr() == ("", "")
    steps.last("map: a.tif")
    assert capsys.readouterr().out.endswith("s  map: a.tif\n")


def test_what_a_command_writes_into_a_pipe_does_not_come_to_the_terminal(terminal, capsys):
    assert not sys.stdout.isatty()
    with bar("classifying", "rows") as step:
        step(1, 2)
        print("map: a.tif")
    said = capsys.readouterr()
    assert said.out == "map: a.tif\n"
    assert "map: a.tif" not in said.err


def test_what_is_told_of_the_work_is_shown_with_the_time_left(terminal, capsys):
    with waiting("working", seconds=0):
        ((timer, shown),) = _WAITING
        timer.join()
        for row in watched(range(4), "reading"):
            if row == 3:
                shown.refresh()
        assert (shown.tasks[0].description, shown.tasks[0].total) == ("working", None)
    said = capsys.readouterr().err
    assert "reading" in said
    assert "75 %" in said
    assert "left" in said


def test_a_command_that_says_nothing_is_seen_to_work_until_it_has_a_bar(terminal, capsys):
    with waiting("working", seconds=0):
        ((timer, shown),) = _WAITING
        timer.join()
        assert shown.live.is_started
        with bar("classifying", "rows") as step:
            assert not shown.live.is_started
            step(1, 2)
    assert "working" in capsys.readouterr().err
    with waiting("working", seconds=1000):
        pass
    assert capsys.readouterr().err == ""
