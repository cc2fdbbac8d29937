"""One file over HTTP, resumed where it broke off."""

import hashlib
import json

import pytest
from download_server import CONTENT, MD5, fetch, left_in

from mmhsi.datasets.download import DownloadError, transfer


def break_off(server, root, after: int) -> None:
    """A first attempt that ends early."""
    server.cut_after = after
    with pytest.raises(DownloadError, match="broke off"):
        fetch(root)
    server.cut_after = None


def test_fresh_download_then_nothing_to_do(server, publish, tmp_path):
    publish(md5=MD5, size=len(CONTENT))
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
    publish(md5=MD5)
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
    publish(md5=MD5)
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
    file = publish(md5=MD5)
    transfer(file.url, tmp_path / file.name)
    assert left_in(tmp_path) == ["toy/cube.bin.part", "toy/cube.bin.part.json"]
    fetch(tmp_path)
    assert len(server.requests) == 1
    assert left_in(tmp_path) == ["toy/cube.bin"]


def test_damaged_file_that_is_there_is_fetched_again_and_kept_until_then(server, publish, tmp_path):
    publish(md5=MD5)
    target = tmp_path / "toy/cube.bin"
    target.parent.mkdir()
    target.write_bytes(b"half")
    break_off(server, tmp_path, after=10)
    assert target.read_bytes() == b"half"
    fetch(tmp_path)
    assert target.read_bytes() == CONTENT
