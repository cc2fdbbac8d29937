"""Cubes on a server of this machine: asked for where it is allowed, and for the parts alone that a window needs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mmhsi.cli.commands import find_tools, parser_of
from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.estimator.scene_files import as_file
from mmhsi.io import HSICube, open_cube, read_cube, write_cube

PLACE = dict(crs=CRS.from_epsg(32633), transform=from_origin(366000, 5800000, 30, 30))


@pytest.fixture(name="server")
def server_fixture(tmp_path):
    """Address, and (path, bytes sent) of every request; files of the folder ``published``."""
    folder, asked = tmp_path / "published", []
    folder.mkdir()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET(False)

        def do_GET(self, body=True):
            file = folder / self.path.lstrip("/")
            content = file.read_bytes() if file.is_file() else b""
            first, last = 0, len(content) - 1
            given = self.headers.get("Range")
            if given:
                first, last = (int(word) if word else last for word in given.partition("=")[2].split("-"))
                last = min(last, len(content) - 1)
            part = content[first : last + 1]
            asked.append((self.path, len(part) if body else 0))
            self.send_response(404 if not content else 206 if given else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(part)))
            if given:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.end_headers()
            if body:
                self.wfile.write(part)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder, asked
    server.shutdown()
    server.server_close()


@pytest.fixture(name="cube")
def cube_fixture(server):
    data = np.random.default_rng(0).normal(500, 200, (600, 500, 8)).astype(np.float32)
    write_cube(server[1] / "cube.tif", HSICube(data, np.linspace(400, 1000, 8), **PLACE))
    (server[1] / "cube.tif.aux.xml").write_text("<PAMDataset><Metadata><MDI key='x'>y</MDI></Metadata></PAMDataset>")
    return data


def test_nothing_is_asked_unless_it_is_allowed(server, cube, monkeypatch):
    monkeypatch.delenv("MMHSI_ALLOW_NETWORK", raising=False)
    names = [
        f"{server[0]}/cube.tif",
        f"/vsicurl/{server[0]}/cube.tif",
        "s3://bucket/cube.tif",
        "/vsis3/bucket/cube.tif",
    ]
    for name in names:
        with pytest.raises(ConfigError, match="MMHSI_ALLOW_NETWORK=1 or --network") as caught:
            open_cube(name)
        assert "\n" not in str(caught.value)
    assert server[2] == []


@pytest.mark.parametrize("prefix", ["", "/vsicurl/"])
def test_a_window_costs_a_part_of_the_file_and_no_other_file(server, cube, monkeypatch, prefix):
    monkeypatch.setenv("MMHSI_ALLOW_NETWORK", "1")
    with open_cube(f"{prefix}{server[0]}/cube.tif", white="none") as reader:  # raw values, as it has them anyway
        assert reader.info.shape == cube.shape
        assert reader.info.crs == PLACE["crs"]
        np.testing.assert_allclose(reader.info.wavelengths, np.linspace(400, 1000, 8))
        part = reader.read((300, 200, 20, 30), [2, 5])
    np.testing.assert_array_equal(part.data, cube[300:320, 200:230][..., [2, 5]])
    assert {path for path, _ in server[2]} == {"/cube.tif"}
    assert sum(sent for _, sent in server[2]) < 0.25 * (server[1] / "cube.tif").stat().st_size


def test_local_files_stay_local(server, cube, monkeypatch, tmp_path):
    """A virtual raster whose source lies on a server is refused as ever."""
    monkeypatch.setenv("MMHSI_ALLOW_NETWORK", "1")
    text = f"<SourceFilename>/vsicurl/{server[0]}/cube.tif</SourceFilename><SourceBand>1</SourceBand>"
    (tmp_path / "scene.vrt").write_text(
        '<VRTDataset rasterXSize="500" rasterYSize="600"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f"{text}</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(FileFormatError, match="no local file"):
        open_cube(tmp_path / "scene.vrt")
    assert server[2] == []


def test_what_the_server_does_not_give_is_one_line(server, monkeypatch):
    monkeypatch.setenv("MMHSI_ALLOW_NETWORK", "1")
    (server[1] / "page.tif").write_text("<html>sign in first</html>")
    for name in ("missing.tif", "page.tif"):
        with pytest.raises(FileFormatError, match="does not give it, or not in parts, or it is no GeoTIFF") as caught:
            open_cube(f"{server[0]}/{name}")
        assert "\n" not in str(caught.value)


def test_assets_of_an_item_at_hand(server, cube, monkeypatch, tmp_path):
    write_cube(tmp_path / "near.tif", HSICube(cube[:9, :9], **PLACE))
    assets = dict(near=dict(href="./near.tif"), far=dict(href=f"{server[0]}/cube.tif"))
    (tmp_path / "item.json").write_text(json.dumps(dict(type="Feature", assets=assets)))
    monkeypatch.delenv("MMHSI_ALLOW_NETWORK", raising=False)
    np.testing.assert_array_equal(read_cube(tmp_path / "item.json#near").data, cube[:9, :9])
    with pytest.raises(ConfigError, match="lies on a server"):
        read_cube(tmp_path / "item.json#far")
    with pytest.raises(FileFormatError, match="no asset 'x', but near, far"):
        read_cube(tmp_path / "item.json#x")
    monkeypatch.setenv("MMHSI_ALLOW_NETWORK", "1")
    found = read_cube(tmp_path / "item.json#far", window=(5, 6, 7, 8))
    np.testing.assert_array_equal(found.data, cube[5:12, 6:14])


def test_a_cube_that_is_learned_from_is_read_once_into_a_file(server, cube, monkeypatch, tmp_path):
    monkeypatch.delenv("MMHSI_ALLOW_NETWORK", raising=False)
    with pytest.raises(ConfigError, match="lies on a server"):
        as_file(f"{server[0]}/cube.tif", "cube", tmp_path / "work")
    monkeypatch.setenv("MMHSI_ALLOW_NETWORK", "1")
    path = as_file(f"{server[0]}/cube.tif", "cube", tmp_path / "work")
    asked = len(server[2])
    found = read_cube(path)
    np.testing.assert_array_equal(found.data, cube)
    assert (found.crs, found.transform) == (PLACE["crs"], PLACE["transform"])
    assert len(server[2]) == asked
    (tmp_path / "item.json").write_text(json.dumps(dict(type="Feature", assets=dict(near=dict(href="work/cube.tif")))))
    assert as_file(f"{tmp_path}/item.json#near", "cube", tmp_path) == path


def test_every_command_that_is_given_a_cube_has_the_same_option():
    for name in find_tools():
        parser, _ = parser_of(name)
        given = {action.dest for action in parser._actions}
        assert "network" in given or not given & {"cube", "scene"}, name
