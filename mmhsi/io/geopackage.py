"""GeoPackages are databases, and may hold queries in place of rows: those are refused before anybody runs them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path

_INDEX = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\s.+\sUSING\s+rtree\s*\(", re.IGNORECASE | re.DOTALL)
_COMPUTED = (2, 3)
"""What ``table_xinfo`` says of columns that are computed as they are read."""


def check_geopackage(file: Path) -> None:
    """Check that reading a GeoPackage takes its rows from its pages and runs no query of the file's own.

    Such a query may never end or take all memory, and GDAL runs those of views when it lists the layers. Triggers are
    left: nothing is written.

    Args:
        file: The file.

    Raises:
        FileFormatError: It is damaged; or holds a view, a table of another module than the index of places, or a
            computed column.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA ignore_check_constraints = ON")
            _check_schema(file, database)
            # Pages that are reached twice could be walked through for ever.
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except (sqlite3.Error, ValueError, OverflowError) as error:  # ValueError: text that is no UTF-8
        raise FileFormatError(f"{file}: not a readable vector file: {_line(error)}") from error
    if found != "ok":
        raise FileFormatError(f"{file}: not a readable vector file, it is damaged: {_line(found)}")


def _check_schema(file: Path, database: sqlite3.Connection) -> None:
    for kind, name, text in database.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        wrong = None
        if kind == "view":
            wrong = "is a view"
        elif kind == "table" and re.match(r"\s*CREATE\s+VIRTUAL\b", text or "", re.IGNORECASE):
            wrong = None if _INDEX.match(text) else "is a virtual table"
        elif kind == "table":
            columns = database.execute("SELECT hidden FROM pragma_table_xinfo(?)", (name,)).fetchall()
            wrong = "has a computed column" if any(hidden in _COMPUTED for (hidden,) in columns) else None
        if wrong:
            raise FileFormatError(
                f"{file}: {_line(name)!r} {wrong}, a query that would run when the file is read; export the layer to a "
                "file of its own (QGIS: Export > Save Features As)"
            )


def _line(text: object) -> str:
    return " ".join(str(text).split())[:200]
