"""Imports point one way between the package's rooms, those for types and in functions aside from neither."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "mmhsi"
STOREYS = (
    ("errors", "launchers", "probabilities", "progress", "version"),
    ("arguments", "light_optimizers", "registry"),
    ("packaged", "carried_config"),
    ("io",),
    ("spec",),
    ("datasets",),
    ("models",),
    ("evaluation",),
    ("visualization",),
    ("config_files",),
    ("engine",),
    ("inference",),
    ("estimator",),
    ("cli",),
)
"""From the ground up; a room may import what stands below it, and itself."""
LEVEL = {room: level for level, rooms in enumerate(STOREYS) for room in rooms}
ENTRIES = {"__init__", "__main__", "utils"}
"""They import what they offer."""


def imported_rooms(path: Path) -> set[str]:
    """Rooms of mmhsi that a file imports from."""
    package = ("mmhsi", *path.relative_to(ROOT).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names = [".".join((*base, node.module or "")).strip(".")]
            if names == ["mmhsi"]:
                names = [f"mmhsi.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("mmhsi.")}
    return found


@pytest.mark.parametrize("room", LEVEL)
def test_a_room_imports_what_stands_below_it(room):
    files = sorted((ROOT / room).rglob("*.py")) or [ROOT / f"{room}.py"]
    found = {(str(path.relative_to(ROOT)), other) for path in files for other in imported_rooms(path)}
    wrong = {(path, other) for path, other in found if other != room and LEVEL.get(other, 99) >= LEVEL[room]}
    assert not wrong


def test_every_room_has_its_storey():
    there = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert there == set(LEVEL) | ENTRIES
