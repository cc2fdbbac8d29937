"""Which scenes a process is given: by name, by list, by STAC, and its share of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mmhsi.errors import ConfigError, DataError
from mmhsi.inference.scene_lists import listed_scenes, map_names, share, stac_scenes

if TYPE_CHECKING:
    from pathlib import Path


def test_processes_share_all_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = [f"{index}.tif" for index in range(7)]
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "3")
        shares.append(share(scenes, "pytorch"))
    assert sorted(scene for part in shares for scene in part) == scenes
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert share(scenes) == scenes
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with pytest.raises(ConfigError, match="SLURM_PROCID and SLURM_NTASKS are not set; start it with srun"):
        share(scenes, "slurm")


def test_lists_of_scenes(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# two\na.tif\n\n/b/c.hdr\nhttps://example.org/d.tif\n")
    expected = [str(tmp_path / "a.tif"), "/b/c.hdr", "https://example.org/d.tif"]
    assert listed_scenes(tmp_path / "list.txt") == expected
    marked = b"\xef\xbb\xbf" + (tmp_path / "list.txt").read_bytes().replace(b"\n", b" \r\n")  # as Windows' editors
    (tmp_path / "list.txt").write_bytes(marked)
    assert listed_scenes(tmp_path / "list.txt") == expected
    assert map_names(["x/a.tif", "x/../x/a.tif", "x/a.tif"]) == {"x/a.tif": "a.tif"}
    with pytest.raises(DataError, match="would have the name of that of x/a"):
        map_names(["x/a.tif", "y/A.hdr"])
    with pytest.raises(DataError, match="no scenes"):
        map_names([])


def item(name: str, **assets: dict) -> dict:
    return dict(type="Feature", id=name, assets=assets)


def test_stac_items(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    one = item("a", data=dict(href="a.tif", roles=["data"]), thumbnail=dict(href="a.png"))
    two = item("b", cube=dict(href="file:///scenes/b%20%C3%A4.tif"))
    three = item("c", cube=dict(href="https://example.org/d%20.tif", roles=["data"]), other=dict(href="e", roles=5))
    path.write_text(json.dumps(dict(type="FeatureCollection", features=[one, two, three])))
    found = [str(tmp_path / "a.tif"), "/scenes/b ä.tif", "https://example.org/d%20.tif"]
    assert stac_scenes(path) == (found, {})
    (tmp_path / "f g.tif").touch()
    (tmp_path / "h%20i.tif").touch()
    for href, name in (("f%20g.tif", "f g.tif"), ("h%20i.tif", "h%20i.tif"), ("j%20k.tif", "j%20k.tif")):
        path.write_text(json.dumps(item("l", cube=dict(href=href))))
        assert stac_scenes(path) == ([str(tmp_path / name)], {})
    path.write_text(json.dumps(one))
    assert stac_scenes(path) == ([str(tmp_path / "a.tif")], {})
    for wrong, count in ((item("c", a=dict(href="1.tif"), b=dict(href="2.tif")), 2), (item("d", a=dict(href="")), 1)):
        path.write_text(json.dumps(wrong))
        said = f"{path}: item {wrong['id']!r}"
        why = f"{said} has {count} assets that may be meant, expected one of role data"
        assert stac_scenes(path) == ([], {said: why})
    path.write_text(json.dumps(dict(features=3)))
    with pytest.raises(DataError, match="not a STAC item"):
        stac_scenes(path)
