"""Archives: extracted as a whole or not at all, and nowhere else."""

import hashlib
import io
import stat
import tarfile
import tracemalloc
import zipfile

import pytest
from download_server import CONTENT, cube, fetch, left_in

from mmhsi.datasets.catalogue import ArchiveMember
from mmhsi.datasets.download import DownloadError
from mmhsi.datasets.download.archive import MOST_MEMBERS, extract_archive


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


ONE, TWO = cube(1), cube(2)


@pytest.mark.parametrize("format_", ["zip", "tar.gz"])
def test_archive_is_extracted_verified_and_removed(server, publish, tmp_path, format_):
    body = (
        make_zip({"Toy/": b"", "Toy/a.npy": ONE, "Toy/deep/b.npy": TWO})
        if format_ == "zip"
        else make_tar(("Toy/a.npy", ONE, tarfile.REGTYPE), ("Toy/deep/b.npy", TWO, tarfile.REGTYPE))
    )
    members = (ArchiveMember("Toy/a.npy", hashlib.sha256(ONE).hexdigest()), ArchiveMember("Toy/deep/b.npy"))
    publish(body, f"toy.{format_}", "Toy/a.npy", members=members)
    paths, _ = fetch(tmp_path)
    assert [path.read_bytes() for path in paths] == [ONE, TWO]
    assert left_in(tmp_path) == ["Toy/a.npy", "Toy/deep/b.npy"]
    fetch(tmp_path)
    assert len(server.requests) == 1
    (tmp_path / "Toy/a.npy").write_bytes(b"changed")
    fetch(tmp_path)
    assert (tmp_path / "Toy/a.npy").read_bytes() == ONE


def test_member_that_is_not_the_published_one_is_not_put_into_place(publish, tmp_path):
    publish(make_zip({"a.npy": ONE}), "toy.zip", "a.npy", members=(ArchiveMember("a.npy", "0" * 64),))
    with pytest.raises(DownloadError, match=r"a\.npy: sha256 is .*; the published archive has changed"):
        fetch(tmp_path)
    assert not (tmp_path / "a.npy").exists()
    publish(make_zip({"b.npy": ONE}), "other.zip", "a.npy", members=(ArchiveMember("a.npy"),))
    with pytest.raises(DownloadError, match=r"a\.npy: is not in the archive"):
        fetch(tmp_path)
    publish(make_zip({"a.npy": ONE[:-1]}), "cut.zip", "a.npy", members=(ArchiveMember("a.npy"),))
    with pytest.raises(DownloadError, match=r"toy: not what was published, it was not kept: .*a\.npy"):
        fetch(tmp_path)
    assert left_in(tmp_path) == []


def test_what_an_extraction_that_was_killed_left_goes(tmp_path):
    (tmp_path / "out/.extracting/deep").mkdir(parents=True)
    (tmp_path / "out/.extracting/deep/half.bin").touch()
    archive = tmp_path / "a.zip"
    archive.write_bytes(make_zip({"a.bin": b"1"}))
    assert extract_archive(archive, tmp_path / "out") == [tmp_path / "out/a.bin"]
    assert left_in(tmp_path / "out") == ["a.bin"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.bin"]


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
    publish(body, "toy.zip", members=(ArchiveMember("good.mat"),))
    with pytest.raises(DownloadError, match="it was not extracted"):
        fetch(root)
    assert left_in(tmp_path) == []


def test_archive_bombs_are_refused(tmp_path):
    archive = tmp_path / "bomb.zip"
    archive.write_bytes(make_zip({f"{i}.bin": bytes(1_000_000) for i in range(3)}))
    with pytest.raises(DownloadError, match="more than 2500000 bytes"):
        extract_archive(archive, tmp_path / "out", limit=2_500_000)
    assert len(extract_archive(archive, tmp_path / "out", limit=3_000_000)) == 3


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_header_that_claims_to_be_large_costs_no_memory(tmp_path, kind, mode):
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = kind, 64 << 20
    archive = tmp_path / "bomb.tar"
    with tarfile.open(archive, mode) as opened:
        opened.addfile(tarfile.TarInfo("first"))
        opened.addfile(entry, io.BytesIO(bytes(entry.size)))
    tracemalloc.start()
    with pytest.raises(DownloadError, match="a header of 67108864 bytes"):
        extract_archive(archive, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_no_more_members_are_looked_at_than_may_be(tmp_path, monkeypatch):
    assert MOST_MEMBERS >= 10_000
    monkeypatch.setattr("mmhsi.datasets.download.archive.MOST_MEMBERS", 2)
    archive = tmp_path / "many.tar.gz"
    archive.write_bytes(make_tar(*((f"{i}", b"", tarfile.REGTYPE) for i in range(5))))
    with pytest.raises(DownloadError, match="more than 2 names"):
        extract_archive(archive, tmp_path / "out")


def test_python_without_safe_extraction_of_tar_is_told_so(tmp_path, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter")
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(make_tar(("a", b"1", tarfile.REGTYPE)))
    with pytest.raises(DownloadError, match=r"takes Python 3\.10\.12, 3\.11\.4 or newer"):
        extract_archive(archive, tmp_path / "out")


@pytest.mark.parametrize("suffix", ["zip", "tar.gz"])
@pytest.mark.parametrize("keep", [0.5, 0.0])
def test_damaged_archives_leave_nothing(tmp_path, suffix, keep):
    whole = make_zip({"a.bin": CONTENT}) if suffix == "zip" else make_tar(("a.bin", CONTENT, tarfile.REGTYPE))
    archive = tmp_path / f"cut.{suffix}"
    archive.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(DownloadError, match="not a readable zip or tar archive"):
        extract_archive(archive, tmp_path / "out")
    assert left_in(tmp_path) == [archive.name]
