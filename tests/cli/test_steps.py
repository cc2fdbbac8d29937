"""Lines and bars of commands of several steps."""

import sys

import pytest

from mmhsi.cli.console import _WAITING, bar, new_progress, waiting
from mmhsi.cli.steps import EVERY, Steps
from mmhsi.progress import watched


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for module in ("console", "steps"):
        monkeypatch.setattr(f"mmhsi.cli.{module}.live", lambda: True)


def test_a_bar_by_the_clock_moves_though_nobody_tells_it():
    shown = new_progress(clock=True)
    task = shown.add_task("trying", total=60, text="")
    shown.tasks[0].start_time -= 45
    shown.make_tasks_table(shown.tasks)
    assert 45 <= shown.tasks[task].completed <= 60
    left = shown.columns[6].render(shown.tasks[0])
    assert left.plain in ("14 s", "15 s")
    shown.tasks[0].start_time -= 100
    shown.make_tasks_table(shown.tasks)
    assert shown.tasks[task].completed == 60


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
    clock = [steps.begin]
    monkeypatch.setattr("mmhsi.cli.steps.time.monotonic", lambda: clock[0])
    with steps.rows("classifying"):
        for done in (20, 21, 30, 60, 100):  # a run that is resumed at row 20
            steps.moved(done, 100)
            clock[0] += 0.6 * EVERY
    said = capsys.readouterr()
    assert said.err == ""
    assert [line.strip() for line in said.out.splitlines()] == [
        "12.0 s    30 % of the rows, about 84 s left",  # 10 rows in 12 s
    ]


def test_a_terminal_sees_the_bar_and_the_lines_stay(terminal, capsys):
    steps = Steps()
    with steps.within("trying", 60):
        steps.say("LDA: 80 %")
    with steps.rows("classifying"):
        steps.moved(1, 2)
    said = capsys.readouterr()
    assert said.out.endswith("s  LDA: 80 %\n")
    assert "trying" in said.err
    assert "classifying" in said.err


def test_quiet_says_nothing(terminal, capsys):
    steps = Steps(quiet=True)
    with steps.within("trying", 60):
        steps.say("LDA: 80 %")
    with steps.rows("classifying"):
        steps.moved(1, 2)
    assert capsys.readouterr() == ("", "")


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
