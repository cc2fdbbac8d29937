"""GeoPackages that hold queries are refused before one runs; rows are read as ever."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import FileFormatError
from mmhsi.io.vector_writer import write_areas
from mmhsi.io.vectors import read_vector

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
FEATURES = f"SELECT i AS fid, NULL AS geom, 'a' AS class FROM ({ENDLESS})"


@pytest.fixture
def package(tmp_path):
    """A GeoPackage of two polygons, and how to change it."""
    path, classes = tmp_path / "areas.gpkg", np.repeat(np.array([[0], [1]], np.uint8), 4, 1)
    place = dict(crs=CRS.from_epsg(32633), transform=Affine(10, 0, 5e5, 0, -10, 4e6))
    write_areas(path, classes, ["a", "b"], [1, 2], **place, smallest=1)

    def change(*statements):
        with closing(sqlite3.connect(path)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()
        return path

    return change


QUERIES = {
    "another view": [f"CREATE VIEW v AS {FEATURES}"],
    "a view as layer": [
        "ALTER TABLE areas RENAME TO old",
        f"CREATE VIEW areas AS {FEATURES}",
        "UPDATE gpkg_contents SET table_name = 'areas'",
        "UPDATE gpkg_geometry_columns SET table_name = 'areas'",
    ],
    "a view as table of contents": [
        "ALTER TABLE gpkg_contents RENAME TO old",
        f"CREATE VIEW gpkg_contents AS SELECT old.* FROM old, ({ENDLESS})",
    ],
    "a virtual table": [
        "PRAGMA writable_schema = 1",
        "INSERT INTO sqlite_master VALUES ('table', 'vt', 'vt', 0, "
        "'CREATE VIRTUAL TABLE vt USING VirtualOGR(''/vsicurl/http://192.0.2.1/a'')')",
    ],
    "a computed column": ["ALTER TABLE areas ADD COLUMN text TEXT AS (hex(zeroblob(400000000)))"],
}


@pytest.mark.parametrize("name", QUERIES)
def test_queries_are_refused_before_they_run(package, name):
    with pytest.raises(FileFormatError, match=r"'\w+' (is a view|is a virtual table|has a computed column), a query"):
        read_vector(package(*QUERIES[name]))


def test_what_a_name_of_a_view_holds_is_on_the_line(package):
    path = package(f'CREATE VIEW "a\n\x1b[31mb" AS {FEATURES}')
    with pytest.raises(FileFormatError) as raised:
        read_vector(path)
    assert len(str(raised.value).splitlines()) == 1
    assert "\x1b" not in str(raised.value)


def test_rows_and_triggers_are_read(package):
    path = package(f"CREATE TRIGGER t AFTER INSERT ON areas BEGIN {ENDLESS}; END")
    assert read_vector(path).values == ["a", "b"]


def test_pages_in_a_circle_are_refused(package):
    path = package("CREATE TABLE many (x TEXT)", *["INSERT INTO many VALUES (hex(randomblob(1500)))"] * 9)
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'many'").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    start = (root - 1) * size
    assert content[start] == 5  # an inner page: its last child becomes itself
    content[start + 8 : start + 12] = root.to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="damaged"):
        read_vector(path)
