"""One writer at a time in a folder, and none that a dead one keeps out."""

import errno
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from processes import fork, join, started

from mmhsi.cli.work_dir import hold_work_dir
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import lock
from mmhsi.io.lock import hold, turn

HOLDER = """
import os, sys, time
from mmhsi.cli.work_dir import hold_work_dir
there, here = os.pipe()
with hold_work_dir(sys.argv[1]):
    if os.fork() == 0:  # as a process that loads data
        os.write(here, b"begun")
        time.sleep(300)
    os.read(there, 5)  # the child has let go of what it was born with
    print("held", flush=True)
    time.sleep(300)
"""


@contextmanager
def held(folder):
    """A process that holds a folder, and has a child that outlives it."""
    with started([sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def refused(folder):
    with pytest.raises(ConfigError) as caught, hold(folder, "map", "give another --out"):
        pass
    return str(caught.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_another_process_is_named_and_a_killed_one_holds_nothing(tmp_path):
    folder = tmp_path / "w"
    with held(folder) as process:
        message = refused(folder)
        assert message.startswith(f"map {folder}: in use by process {process.pid} on ")
        assert message.endswith("; wait for it, end it, or give another --out")
        process.kill()
        process.wait()
        with hold_work_dir(folder):  # its child is still there
            assert f"process {os.getpid()} on " in (folder / ".lock").read_text()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.symlink_to("nowhere")])
def test_a_file_in_the_place_of_a_folder_is_said_and_stays(tmp_path, make):
    make(path := tmp_path / "map.tif.partial")
    with (
        pytest.raises(DataError, match=r"map\.tif\.partial: is no folder, and one is needed"),
        hold(path, "map", "wait"),
    ):
        pass
    assert path.is_symlink() or path.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes of this kind")
def test_what_stands_in_the_place_of_the_note_is_neither_written_nor_waited_for(tmp_path):
    folder, note, mine = tmp_path / "w", tmp_path / "w/.lock", tmp_path / "mine"
    mine.write_text("mine")
    folder.mkdir()
    note.symlink_to(mine)
    with hold(folder, "map", "give another --out"):
        assert mine.read_text() == "mine"
        note.write_bytes(b"a\n\xff")
        assert "in use by a\\n\ufffd; wait" in refused(folder)
        note.unlink()
        os.mkfifo(note)
        assert "in use by another process; wait" in refused(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove what is open")
def test_nothing_that_can_be_removed_from_a_folder_lets_another_in(tmp_path):
    with hold(tmp_path, "folder", "go"):
        for path in tmp_path.iterdir():
            path.unlink()
        assert "in use by another process" in refused(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows opens no folders")
def test_a_folder_that_was_removed_meanwhile_is_held_anew(tmp_path, monkeypatch):
    """Its holder removes it when the work is done, between the other's opening and locking."""
    folder = tmp_path / "w"
    folder.mkdir()
    lock_descriptor, calls = lock.lock_descriptor, []

    def remove_first(descriptor, blocking):
        if not calls:
            shutil.rmtree(folder)
        calls.append(descriptor)
        return lock_descriptor(descriptor, blocking=blocking)

    monkeypatch.setattr(lock, "lock_descriptor", remove_first)
    with hold(folder, "folder", "go"):
        assert (folder / ".lock").is_file()
        assert "in use" in refused(folder)
    assert len(calls) == 3


def take_turns(folder, count):
    for _ in range(count):
        with turn(folder):
            pass


@pytest.mark.skipif(os.name == "nt", reason="forks")
def test_processes_take_turns_at_a_folder_that_each_removes(tmp_path):
    processes = [fork(take_turns, tmp_path / "summary.partial", 100) for _ in range(3)]
    assert [join(process) for process in processes] == [0, 0, 0]
    assert not [*tmp_path.iterdir()]


def test_where_folders_cannot_be_locked_a_file_is(tmp_path, monkeypatch):
    """As on Windows and in some network file systems."""

    def fail(descriptor, blocking):
        raise OSError(errno.EBADF, "no such lock")

    monkeypatch.setattr(lock, "lock_descriptor", fail)
    with hold(tmp_path, "folder", "go"):
        assert f"in use by process {os.getpid()}" in refused(tmp_path)
    with hold(tmp_path, "folder", "go"):
        pass


def test_a_folder_that_was_made_for_nothing_goes(tmp_path):
    for name, kept in (("empty", False), ("full", True)):
        with hold(tmp_path / name, "folder", "go"):
            if kept:
                (tmp_path / name / "result").touch()
        assert (tmp_path / name).exists() == kept
    with hold(tmp_path, "folder", "go"):
        shutil.rmtree(tmp_path)


def test_only_the_first_process_of_several_holds_the_work_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with hold_work_dir(tmp_path, "pytorch"):
        assert not (tmp_path / ".lock").exists()
    with hold_work_dir(tmp_path, "none"):
        assert (tmp_path / ".lock").exists()


@pytest.mark.parametrize("arguments", [["train"], ["test", "none.pth"]])
def test_trainings_and_tests_hold_their_work_dir(arguments, place, tmp_path, run_tool, capsys):
    tool, *checkpoint = arguments
    for name in checkpoint:
        (tmp_path / name).touch()
    checkpoint = [tmp_path / name for name in checkpoint]
    config = "configs/hsi_vit/hsi-vit-tiny-p3.py"
    with hold_work_dir(tmp_path / "w"):
        assert run_tool(tool, config, *checkpoint, "--work-dir", tmp_path / "w") == 2
        assert [path.name for path in (tmp_path / "w").iterdir()] == [".lock"]
    assert f"work dir {tmp_path / 'w'}: in use by process {os.getpid()} on" in capsys.readouterr().err
