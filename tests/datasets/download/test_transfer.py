"""One file over HTTP, resumed where it broke off."""

import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from download_server import CONTENT, MD5, cube, fetch, left_in

from mmhsi.datasets.catalogue import CATALOGUE, RemoteFile
from mmhsi.datasets.download import DownloadError
from mmhsi.datasets.download.transfer import transfer
from mmhsi.io.json_file import write_state

LONGER = cube(1)[:-2] + bytes(2) + b"more"


def break_off(server, root, after: int) -> None:
    """A first attempt that ends early."""
    server.cut_after = after
    with pytest.raises(DownloadError, match="broke off"):
        fetch(root)
    server.cut_after = None


def test_fresh_download_then_nothing_to_do(server, publish, tmp_path):
    publish(md5=MD5, size=len(CONTENT))
    paths, lines = fetch(tmp_path)
    assert paths == [tmp_path / "toy/cube.npy"]
    assert paths[0].read_bytes() == CONTENT
    assert left_in(tmp_path) == ["toy/cube.npy"]
    assert server.requests == [("/published/cube.npy", None)]
    paths, lines = fetch(tmp_path)
    assert len(server.requests) == 1
    assert lines == [f"{paths[0]}: already there, checksum verified"]


def test_interrupted_connection_leaves_only_the_part_and_goes_on_from_there(server, publish, tmp_path):
    publish(sha256=hashlib.sha256(CONTENT).hexdigest())
    break_off(server, tmp_path, after=300_000)
    assert left_in(tmp_path) == ["toy.partial/toy/cube.npy", "toy.partial/toy/cube.npy.json"]
    have = (tmp_path / "toy.partial/toy/cube.npy").stat().st_size
    assert 0 < have <= 300_000
    fetch(tmp_path)
    assert server.requests[-1] == ("/published/cube.npy", f"bytes={have}-")
    assert (tmp_path / "toy/cube.npy").read_bytes() == CONTENT
    assert left_in(tmp_path) == ["toy/cube.npy"]


def test_server_without_ranges_is_asked_for_all(server, publish, tmp_path):
    publish(md5=MD5)
    break_off(server, tmp_path, after=300_000)
    server.ranges = False
    fetch(tmp_path)
    assert (tmp_path / "toy/cube.npy").read_bytes() == CONTENT


@pytest.mark.parametrize("honour_if_range", [True, False])
def test_file_that_changed_meanwhile_is_begun_anew(server, publish, tmp_path, honour_if_range):
    publish()
    break_off(server, tmp_path, after=300_000)
    other = cube(1)
    server.files["/published/cube.npy"], server.etag = other, '"2"'
    server.honour_if_range = honour_if_range
    fetch(tmp_path)
    assert (tmp_path / "toy/cube.npy").read_bytes() == other


def test_file_that_changed_its_length_is_begun_anew_without_tags(server, publish, tmp_path):
    server.etag = None
    publish()
    break_off(server, tmp_path, after=300_000)
    server.files["/published/cube.npy"] = LONGER
    fetch(tmp_path)
    assert (tmp_path / "toy/cube.npy").read_bytes() == LONGER


def test_part_of_another_address_or_too_long_is_not_continued(server, publish, tmp_path):
    publish(md5=MD5)
    part = tmp_path / "toy.partial/toy/cube.npy"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    fetch(tmp_path)
    assert server.requests[-1][1] is None
    (tmp_path / "toy/cube.npy").unlink()
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (len(CONTENT) + 5))
    state = {"url": f"{server.base}/published/cube.npy", "total": len(CONTENT), "etag": '"1"', "last_modified": None}
    state["stored"] = len(CONTENT) + 5
    write_state(part.with_name("cube.npy.json"), state)
    fetch(tmp_path)  # the server answers 416
    assert (tmp_path / "toy/cube.npy").read_bytes() == CONTENT


def test_part_that_was_complete_is_only_verified(server, publish, tmp_path):
    file = publish(md5=MD5)
    transfer(file.url, tmp_path / "toy.partial" / file.name, len(CONTENT))
    assert left_in(tmp_path) == ["toy.partial/toy/cube.npy", "toy.partial/toy/cube.npy.json"]
    fetch(tmp_path)
    assert len(server.requests) == 1
    assert left_in(tmp_path) == ["toy/cube.npy"]


def test_damaged_file_that_is_there_is_fetched_again_and_kept_until_then(server, publish, tmp_path):
    publish(md5=MD5)
    target = tmp_path / "toy/cube.npy"
    target.parent.mkdir()
    target.write_bytes(b"half")
    break_off(server, tmp_path, after=10)
    assert target.read_bytes() == b"half"
    fetch(tmp_path)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("cut_after", [100, 300_000, len(CONTENT) - 1])
@pytest.mark.parametrize("stated", [None, 0])
def test_a_cut_file_of_unknown_or_understated_length_never_gets_its_name(server, publish, tmp_path, cut_after, stated):
    """Its checksum is not published: it is read to its end before."""
    publish()
    server.cut_after = cut_after
    server.stated_length = None if stated is None else cut_after
    with pytest.raises(DownloadError, match="toy: not what was published, it was not kept"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []
    server.cut_after, server.stated_length = None, None
    fetch(tmp_path)
    assert left_in(tmp_path) == ["toy/cube.npy"]


def test_what_is_there_may_complete_what_is_fetched(server, publish, tmp_path, monkeypatch):
    """Labels that are in place, a cube that is not: only the cube is fetched, and both are looked at."""
    publish()
    labels = RemoteFile("toy/labels.npy", f"{server.base}/published/labels.npy")
    info = CATALOGUE["toy"]
    monkeypatch.setitem(CATALOGUE, "toy", replace(info, labels="toy/labels.npy", files=(*info.files, labels)))
    (tmp_path / "toy").mkdir()
    np.save(tmp_path / "toy/labels.npy", np.zeros((50, 70), np.uint8))
    fetch(tmp_path)
    assert server.requests == [("/published/cube.npy", None)]
    assert left_in(tmp_path) == ["toy/cube.npy", "toy/labels.npy"]


def test_a_file_packed_unasked_is_refused(server, publish, tmp_path):
    publish(gzip.compress(CONTENT))
    server.content_encoding = "gzip"
    with pytest.raises(DownloadError, match="sends it as gzip, which nobody asked for"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []


def test_no_more_is_taken_than_is_expected(server, publish, tmp_path):
    publish(size=1000)
    with pytest.raises(DownloadError, match="has 700128 bytes, more than 1000; it was not fetched"):
        fetch(tmp_path)
    server.stated_length = None
    with pytest.raises(DownloadError, match="has more than 1000 bytes; it was not kept"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []
