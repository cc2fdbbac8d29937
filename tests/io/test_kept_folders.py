"""Folders of unpacked products: made once, whole, not more than there is room for, and never removed while in use."""

import os
import subprocess
import sys
import time

import pytest

from mmhsi.errors import DataError
from mmhsi.io import kept_folders
from mmhsi.io.kept_folders import kept_folder

A, B, C = "a" * 24, "b" * 24, "c" * 24

HOLD = """
import sys
from pathlib import Path
from mmhsi.io.kept_folders import kept_folder
kept_folder(Path(sys.argv[1]), sys.argv[2], 10, lambda folder: (folder / "x").exists(), lambda folder: None)
print("held", flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of another kind")


@pytest.fixture(autouse=True)
def _nothing_held():
    yield
    _let_go()


def _let_go():
    while kept_folders._using:
        os.close(kept_folders._using.popitem()[1])


def take(cache, key, size=10):
    def fill(folder):
        (folder / "x").write_bytes(b"1" * min(size, 10))

    return kept_folder(cache, key, size, lambda folder: (folder / "x").exists(), fill)


def names(cache):
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def test_a_folder_is_filled_once_and_again_when_it_lost_a_file(tmp_path):
    folder = take(tmp_path, A)
    first = (folder / "x").stat().st_ino
    assert (take(tmp_path, A) / "x").stat().st_ino == first
    (folder / "x").unlink()
    assert (take(tmp_path, A) / "x").read_bytes() == b"1" * 10
    _let_go()
    assert take(tmp_path, A) == folder


def test_the_longest_unused_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_folders, "MOST_BYTES", 25)
    (tmp_path / "mine").mkdir()
    for key, age in ((A, 50), (B, 100)):
        take(tmp_path, key)
        _let_go()
        os.utime(tmp_path / f"{key}.lock", (time.time() - age,) * 2)
    take(tmp_path, C)
    assert names(tmp_path) == [A, C, "mine"]
    os.utime(tmp_path / f"{A}.lock", (0, 0))  # older than a month
    take(tmp_path, B, 1)
    assert names(tmp_path) == [B, C, "mine"]


def test_what_a_process_uses_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_folders, "MOST_BYTES", 15)
    take(tmp_path, A)
    _let_go()
    command = [sys.executable, "-c", HOLD, str(tmp_path), A]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        take(tmp_path, B)
        assert names(tmp_path) == [A, B]
        (tmp_path / A / "x").unlink()
        monkeypatch.setattr(kept_folders, "_PATIENCE", 2)
        with pytest.raises(DataError, match="has lost files and is in use"):
            take(tmp_path, A)
    take(tmp_path, C)
    assert names(tmp_path) == [B, C]


def test_what_was_begun_is_removed(tmp_path):
    for name in (f"{A}.partial", f"{B}.partial", "notes.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(b"half")
    assert (take(tmp_path, A) / "x").read_bytes() == b"1" * 10
    assert names(tmp_path) == [A, "notes.partial"]


def test_no_room(tmp_path):
    with pytest.raises(DataError, match=r"needs .* MB to be unpacked in"):
        take(tmp_path, A, 1 << 60)
    assert names(tmp_path) == []
