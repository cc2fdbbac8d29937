"""All files of a catalogue entry, and the tool that fetches them."""

import errno
import io
import os
import re
import socket
import sys

import numpy as np
import pytest
import scipy.io
from download_server import CONTENT, MD5, fetch, left_in

from mmhsi.datasets.catalogue import CATALOGUE
from mmhsi.datasets.download import DownloadError, NotPublicError, download_dataset
from mmhsi.errors import ConfigError
from mmhsi.io.lock import hold


@pytest.mark.parametrize("facts", [{"md5": "0" * 32}, {"sha256": "0" * 64}, {"size": 800_000}])
def test_wrong_checksum_removes_the_file(publish, tmp_path, facts):
    publish(**facts)
    kind, published = next(iter(facts.items()))
    with pytest.raises(DownloadError, match=f"{kind} is .*, published is {published}"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []


def test_missing_on_the_server(server, publish, tmp_path):
    publish()
    server.files.clear()
    with pytest.raises(DownloadError, match=r"no such file on the server \(404 Not Found\)"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []


def test_web_page_instead_of_the_file(server, publish, tmp_path):
    publish()
    server.content_type = "text/html; charset=utf-8"
    with pytest.raises(DownloadError, match="web page instead of the file"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []


def test_nobody_answers(publish, tmp_path):
    publish()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch(tmp_path, url_base=f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadError, match="not an http or https address"):
        fetch(tmp_path, url_base="file:///etc")


def test_server_that_falls_silent(publish, tmp_path):
    publish()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DownloadError, match=r"no answer within 0\.2 s"):
            fetch(tmp_path, url_base=base, timeout=0.2)


def test_mirror_holds_files_under_their_own_names(server, publish, tmp_path):
    publish(md5=MD5)
    server.files = {"/mirror/toy/cube.npy": CONTENT}
    fetch(tmp_path, url_base=f"{server.base}/mirror/")
    assert server.requests == [("/mirror/toy/cube.npy", None)]


def test_full_disk_is_said_before_it_is_full(publish, tmp_path, monkeypatch):
    publish()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(DownloadError, match="the disk is full, 700128 bytes are needed and 1000 are free"):
        fetch(tmp_path)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EACCES, "permission denied; give another --root"),
        (errno.EROFS, "permission denied; give another --root"),
        (errno.EIO, "cannot be written: "),
    ],
)
def test_file_system_that_fails_while_writing(publish, tmp_path, monkeypatch, code, message):
    def fail(_):
        raise OSError(code, os.strerror(code))

    publish()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DownloadError, match=message):
        fetch(tmp_path)
    assert not (tmp_path / "toy/cube.npy").exists()


def test_folder_that_cannot_be_made(publish, tmp_path):
    publish()
    (tmp_path / "toy").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(tmp_path)


def test_sets_that_cannot_be_fetched_say_where_to_get_them(tmp_path):
    with pytest.raises(NotPublicError, match=r"see http://irsip.*Expected under .*whu_ohs/tr/image, whu_ohs/tr/label"):
        download_dataset("whu_ohs", tmp_path)
    with pytest.raises(NotPublicError, match=r"mmhsi make_demo_scene"):
        download_dataset("demo", tmp_path)
    with pytest.raises(ConfigError, match="nearest: 'salinas_a'"):
        download_dataset("salinas-a", tmp_path)


def test_tool_fetches_checks_and_explains(server, run_tool, tmp_path, capsys):
    cube, labels = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(cube, {"salinasA_corrected": np.zeros((83, 86, 204), np.int16)}, do_compression=True)
    scipy.io.savemat(labels, {"salinasA_gt": np.zeros((83, 86), np.uint8)}, do_compression=True)
    server.files = {"/salinas_a/SalinasA_corrected.mat": cube.getvalue(), "/salinas_a/SalinasA_gt.mat": b"truncated"}
    arguments = ("salinas_a", "--root", str(tmp_path), "--url-base", server.base)
    assert run_tool("download_dataset", *arguments) == 2
    assert "error: salinas_a: not what was published" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    server.files["/salinas_a/SalinasA_gt.mat"] = labels.getvalue()
    assert run_tool("download_dataset", *arguments) == 0
    assert run_tool("download_dataset", *arguments) == 0
    printed = capsys.readouterr().out
    assert printed.count("already there, no checksum is published") == 2
    assert "salinas_a: all files are in place" in printed
    assert run_tool("download_dataset", "salinas_a", "--root", str(tmp_path), "--check") == 0


def test_tool_says_what_is_wrong_in_one_line(run_tool, tmp_path, capsys):
    assert run_tool("download_dataset", "salina", "--root", str(tmp_path)) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run_tool("download_dataset", "abu", "--root", str(tmp_path)) == 2
    assert "weebly.com" in capsys.readouterr().err
    assert run_tool("download_dataset", "abu", "--check", "--root", str(tmp_path)) == 2
    with pytest.raises(DownloadError, match="not complete"):
        run_tool("download_dataset", "abu", "--check", "--root", str(tmp_path), "--debug")


@pytest.mark.parametrize("width", [None, 80])
def test_tool_lists_every_set_on_one_line(run_tool, capsys, monkeypatch, width):
    if width is not None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(width))
    assert run_tool("download_dataset", "--list") == 0
    printed = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert all(any(line.split()[:1] == [name] for line in printed) for name in CATALOGUE)
    assert len(printed) == len(CATALOGUE) + 1
    assert max(map(len, printed)) <= (width or 160)


def test_the_data_folder_is_that_of_the_configs(publish, tmp_path, monkeypatch, run_tool, capsys):
    publish(md5=MD5)
    monkeypatch.setenv("MMHSI_DATA", str(tmp_path / "elsewhere"))
    assert download_dataset("toy", report=lambda line: None) == [tmp_path / "elsewhere/toy/cube.npy"]
    assert run_tool("download_dataset", "toy") == 0
    assert f"already there, checksum verified\ntoy: all files are in place under {tmp_path / 'elsewhere'}" in (
        capsys.readouterr().out
    )


def test_two_downloads_of_a_set_are_one_too_many(server, publish, tmp_path, run_tool, capsys):
    publish(md5=MD5)
    with hold(tmp_path / "toy.partial", "download", "wait"):
        assert run_tool("download_dataset", "toy", "--root", tmp_path) == 2
    assert f"toy.partial: in use by process {os.getpid()}" in capsys.readouterr().err
    assert server.requests == []
