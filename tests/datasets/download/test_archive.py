"""Archives: extracted as a whole or not at all, and nowhere else."""

import hashlib
import io
import stat
import tarfile
import zipfile

import pytest
from download_server import CONTENT, fetch, left_in

from mmhsi.datasets.catalogue import ArchiveMember
from mmhsi.datasets.download import ArchiveError, ChecksumError, extract_archive


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
