"""Fetching data sets, from a server on this machine."""

import errno
import hashlib
import io
import json
import os
import socket
import stat
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from mmhsi.datasets.catalogue import CATALOGUE, ArchiveMember, RemoteFile, SceneInfo
from mmhsi.datasets.download import (
    ArchiveError,
    ChecksumError,
    DownloadError,
    NotPublicError,
    download_dataset,
    extract_archive,
    transfer,
)
from mmhsi.errors import ConfigError

CONTENT = np.random.default_rng(0).bytes(700_000)


@dataclass
class Server:
    """What the server holds and how it behaves; requests as (path, Range header)."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"1"'
    ranges: bool = True
    cut_after: int | None = None
    honour_if_range: bool = True
    content_type: str = "application/octet-stream"
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    base: str = ""


@pytest.fixture
def server():
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked = self.headers.get("Range")
            state.requests.append((self.path, asked))
            body = state.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            begin = 0
            same = self.headers.get("If-Range") in (None, state.etag) or not state.honour_if_range
            if asked and state.ranges and same:
                begin = int(asked.removeprefix("bytes=").removesuffix("-"))
                if begin >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            if state.etag:
                self.send_header("ETag", state.etag)
            self.send_header("Content-Type", state.content_type)
            self.send_header("Content-Length", str(len(body) - begin))
            self.end_headers()
            end = len(body) if state.cut_after is None else begin + state.cut_after
            self.wfile.write(body[begin:end])
            self.close_connection = state.cut_after is not None

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.base = f"http://127.0.0.1:{http.server_port}"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def publish(server, monkeypatch):
    """Enter a data set of one file into the catalogue."""

    def enter(body: bytes = CONTENT, name: str = "toy/cube.bin", **facts) -> RemoteFile:
        path = f"/published/{Path(name).name}"
        server.files[path] = body
        file = RemoteFile(name, server.base + path, **facts)
        monkeypatch.setitem(CATALOGUE, "toy", SceneInfo(title="Toy", image=name, files=(file,)))
        return file

    return enter


def fetch(root, **kwargs):
    lines: list[str] = []
    paths = download_dataset("toy", root, report=lines.append, **kwargs)
    return paths, lines


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def left_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def break_off(server, root, after: int) -> None:
    """A first attempt that ends early."""
    server.cut_after = after
    with pytest.raises(DownloadError, match="broke off"):
        fetch(root)
    server.cut_after = None


def test_fresh_download_then_nothing_to_do(server, publish, tmp_path):
    publish(md5=md5(CONTENT), size=len(CONTENT))
    paths, lines = fetch(tmp_path)
    assert paths == [tmp_path / "toy/cube.bin"]
    assert paths[0].read_bytes() == CONTENT
    assert left_in(tmp_path) == ["toy/cube.bin"]
    assert server.requests == [("/published/cube.bin", None)]
    paths, lines = fetch(tmp_path)
    assert len(server.requests) == 1
    assert lines == [f"{paths[0]}: already there, checksum verified"]


def test_interrupted_connection_leaves_only_the_part_and_goes_on_from_there(server, publish, tmp_path):
    publish(sha256=hashlib.sha256(CONTENT).hexdigest())
    break_off(server, tmp_path, after=300_000)
    assert left_in(tmp_path) == ["toy/cube.bin.part", "toy/cube.bin.part.json"]
    have = (tmp_path / "toy/cube.bin.part").stat().st_size
    assert 0 < have <= 300_000
    fetch(tmp_path)
    assert server.requests[-1] == ("/published/cube.bin", f"bytes={have}-")
    assert (tmp_path / "toy/cube.bin").read_bytes() == CONTENT
    assert left_in(tmp_path) == ["toy/cube.bin"]


def test_server_without_ranges_is_asked_for_all(server, publish, tmp_path):
    publish(md5=md5(CONTENT))
    break_off(server, tmp_path, after=300_000)
    server.ranges = False
    fetch(tmp_path)
    assert (tmp_path / "toy/cube.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("honour_if_range", [True, False])
def test_file_that_changed_meanwhile_is_begun_anew(server, publish, tmp_path, honour_if_range):
    publish()
    break_off(server, tmp_path, after=300_000)
    other = CONTENT[::-1]
    server.files["/published/cube.bin"], server.etag = other, '"2"'
    server.honour_if_range = honour_if_range
    fetch(tmp_path)
    assert (tmp_path / "toy/cube.bin").read_bytes() == other


def test_file_that_changed_its_length_is_begun_anew_without_tags(server, publish, tmp_path):
    server.etag = None
    publish()
    break_off(server, tmp_path, after=300_000)
    server.files["/published/cube.bin"] = CONTENT[::-1] + b"more"
    fetch(tmp_path)
    assert (tmp_path / "toy/cube.bin").read_bytes() == CONTENT[::-1] + b"more"


def test_part_of_another_address_or_too_long_is_not_continued(server, publish, tmp_path):
    publish(md5=md5(CONTENT))
    part = tmp_path / "toy/cube.bin.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)
    fetch(tmp_path)
    assert server.requests[-1][1] is None
    (tmp_path / "toy/cube.bin").unlink()
    part.write_bytes(b"x" * (len(CONTENT) + 5))
    state = {"url": f"{server.base}/published/cube.bin", "total": len(CONTENT), "etag": '"1"', "last_modified": None}
    part.with_name("cube.bin.part.json").write_text(json.dumps(state))
    fetch(tmp_path)  # the server answers 416
    assert (tmp_path / "toy/cube.bin").read_bytes() == CONTENT


def test_part_that_was_complete_is_only_verified(server, publish, tmp_path):
    file = publish(md5=md5(CONTENT))
    transfer(file.url, tmp_path / file.name)
    assert left_in(tmp_path) == ["toy/cube.bin.part", "toy/cube.bin.part.json"]
    fetch(tmp_path)
    assert len(server.requests) == 1
    assert left_in(tmp_path) == ["toy/cube.bin"]


@pytest.mark.parametrize("facts", [{"md5": "0" * 32}, {"sha256": "0" * 64}, {"size": 5}])
def test_wrong_checksum_removes_the_file(publish, tmp_path, facts):
    publish(**facts)
    kind, published = next(iter(facts.items()))
    with pytest.raises(ChecksumError, match=f"{kind} is .*, published is {published}"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []


def test_damaged_file_that_is_there_is_fetched_again_and_kept_until_then(server, publish, tmp_path):
    publish(md5=md5(CONTENT))
    target = tmp_path / "toy/cube.bin"
    target.parent.mkdir()
    target.write_bytes(b"half")
    break_off(server, tmp_path, after=10)
    assert target.read_bytes() == b"half"
    fetch(tmp_path)
    assert target.read_bytes() == CONTENT


def test_missing_on_the_server(server, publish, tmp_path):
    publish()
    server.files.clear()
    with pytest.raises(DownloadError, match=r"no such file on the server \(404\)"):
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
    publish(md5=md5(CONTENT))
    server.files = {"/mirror/toy/cube.bin": CONTENT}
    fetch(tmp_path, url_base=f"{server.base}/mirror/")
    assert server.requests == [("/mirror/toy/cube.bin", None)]


def test_full_disk_is_said_before_it_is_full(publish, tmp_path, monkeypatch):
    publish()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(DownloadError, match="the disk is full, 700000 bytes are needed and 1000 are free"):
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
    assert not (tmp_path / "toy/cube.bin").exists()


def test_folder_that_cannot_be_made(publish, tmp_path):
    publish()
    (tmp_path / "toy").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(tmp_path)


def test_sets_that_cannot_be_fetched_say_where_to_get_them(tmp_path):
    with pytest.raises(NotPublicError, match=r"see http://irsip.*Expected under .*whu_ohs/tr/image, whu_ohs/tr/label"):
        download_dataset("whu_ohs", tmp_path)
    with pytest.raises(NotPublicError, match=r"tools/make_demo_scene\.py"):
        download_dataset("demo", tmp_path)
    with pytest.raises(ConfigError, match="did you mean 'salinas_a'"):
        download_dataset("salinas-a", tmp_path)


def make_zip(members: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, body, compress_type=zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def make_tar(*entries: tuple[str, bytes, str]) -> bytes:
    """Entries as (name, body or link target, tarfile type)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, body, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            if kind == tarfile.REGTYPE:
                entry.size = len(body)
            else:
                entry.linkname = body.decode()
            archive.addfile(entry, io.BytesIO(body))
    return stream.getvalue()


@pytest.mark.parametrize("format_", ["zip", "tar.gz"])
def test_archive_is_extracted_verified_and_removed(server, publish, tmp_path, format_):
    body = (
        make_zip({"Toy/": b"", "Toy/a.mat": b"aaa", "Toy/deep/b.mat": b"bb"})
        if format_ == "zip"
        else make_tar(("Toy/a.mat", b"aaa", tarfile.REGTYPE), ("Toy/deep/b.mat", b"bb", tarfile.REGTYPE))
    )
    members = (ArchiveMember("Toy/a.mat", hashlib.sha256(b"aaa").hexdigest()), ArchiveMember("Toy/deep/b.mat"))
    publish(body, f"toy.{format_}", members=members)
    paths, _ = fetch(tmp_path)
    assert [path.read_bytes() for path in paths] == [b"aaa", b"bb"]
    assert left_in(tmp_path) == ["Toy/a.mat", "Toy/deep/b.mat"]
    fetch(tmp_path)
    assert len(server.requests) == 1
    (tmp_path / "Toy/a.mat").write_bytes(b"changed")
    fetch(tmp_path)
    assert (tmp_path / "Toy/a.mat").read_bytes() == b"aaa"


def test_member_that_is_not_the_published_one_is_removed(publish, tmp_path):
    publish(make_zip({"a.mat": b"aaa"}), "toy.zip", members=(ArchiveMember("a.mat", "0" * 64),))
    with pytest.raises(ChecksumError, match=r"a\.mat: extracted, but its sha256"):
        fetch(tmp_path)
    assert not (tmp_path / "a.mat").exists()
    publish(make_zip({"b.mat": b"aaa"}), "other.zip", members=(ArchiveMember("a.mat"),))
    with pytest.raises(ArchiveError, match=r"holds no a\.mat"):
        fetch(tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        make_zip({"good.mat": b"1", "../evil.mat": b"2"}),
        make_zip({"good.mat": b"1", "/tmp/mmhsi-evil.mat": b"2"}),
        make_zip({"good.mat": b"1", "..\\evil.mat": b"2"}),
        make_zip({"good.mat": b"1", "C:\\evil.mat": b"2"}),
        make_zip({"good.mat": b"1", "link": b"/etc/passwd"}, {"link": stat.S_IFLNK | 0o777}),
        make_tar(("good.mat", b"1", tarfile.REGTYPE), ("a/../../evil.mat", b"2", tarfile.REGTYPE)),
        make_tar(("good.mat", b"1", tarfile.REGTYPE), ("/tmp/mmhsi-evil.mat", b"2", tarfile.REGTYPE)),
        make_tar(("out", b"..", tarfile.SYMTYPE), ("out/evil.mat", b"2", tarfile.REGTYPE)),
        make_tar(("good.mat", b"1", tarfile.REGTYPE), ("passwd", b"/etc/passwd", tarfile.LNKTYPE)),
        make_tar(("good.mat", b"1", tarfile.REGTYPE), ("pipe", b"", tarfile.FIFOTYPE)),
        make_tar(("good.mat", b"1", tarfile.REGTYPE), ("disk", b"", tarfile.BLKTYPE)),
    ],
)
def test_malicious_members_are_refused_and_nothing_is_written(publish, tmp_path, body):
    root = tmp_path / "below" / "data"
    publish(body, "toy.zip")
    with pytest.raises(ArchiveError, match="it was not extracted"):
        fetch(root)
    assert left_in(tmp_path) == []


def test_archive_bombs_are_refused(tmp_path):
    archive = tmp_path / "bomb.zip"
    archive.write_bytes(make_zip({f"{i}.bin": bytes(1_000_000) for i in range(3)}))
    with pytest.raises(ArchiveError, match="more than 2500000 bytes"):
        extract_archive(archive, tmp_path / "out", limit=2_500_000)
    assert len(extract_archive(archive, tmp_path / "out", limit=3_000_000)) == 3


@pytest.mark.parametrize("suffix", ["zip", "tar.gz"])
@pytest.mark.parametrize("keep", [0.5, 0.0])
def test_damaged_archives_leave_nothing(tmp_path, suffix, keep):
    whole = make_zip({"a.bin": CONTENT}) if suffix == "zip" else make_tar(("a.bin", CONTENT, tarfile.REGTYPE))
    archive = tmp_path / f"cut.{suffix}"
    archive.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(ArchiveError, match=r"not a readable zip or tar archive|cut off"):
        extract_archive(archive, tmp_path / "out")
    assert left_in(tmp_path) == [archive.name]


def test_tool_fetches_checks_and_explains(server, run_tool, tmp_path, capsys):
    cube, labels = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(cube, {"salinasA_corrected": np.zeros((83, 86, 204), np.int16)}, do_compression=True)
    scipy.io.savemat(labels, {"salinasA_gt": np.zeros((83, 86), np.uint8)}, do_compression=True)
    server.files = {"/salinas_a/SalinasA_corrected.mat": cube.getvalue(), "/salinas_a/SalinasA_gt.mat": b"truncated"}
    arguments = ("salinas_a", "--root", str(tmp_path), "--url-base", server.base)
    assert run_tool("download_dataset", *arguments) == 2
    assert "error: salinas_a is not complete" in capsys.readouterr().err
    (tmp_path / "salinas_a/SalinasA_gt.mat").unlink()
    server.files["/salinas_a/SalinasA_gt.mat"] = labels.getvalue()
    assert run_tool("download_dataset", *arguments) == 0
    assert run_tool("download_dataset", *arguments) == 0
    printed = capsys.readouterr().out
    assert printed.count("already there, no checksum is published") == 3
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


def test_tool_lists_every_set_on_one_line(run_tool, capsys):
    assert run_tool("download_dataset", "--list") == 0
    printed = capsys.readouterr().out.splitlines()
    assert all(any(line.split()[:1] == [name] for line in printed) for name in CATALOGUE)
