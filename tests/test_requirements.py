"""Everything that is imported is declared, and what is declared for every user is imported."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

# mmcv and mmpretrain import it and do not declare it.
IMPORTED_BY_OTHERS = {"torchvision"}


def canonical(name: str) -> str:
    """A distribution's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def declared(name: str, folder: Path) -> set[str]:
    """Distributions of requirements/NAME.txt, with those of the files that it names."""
    found: set[str] = set()
    for line in (folder / f"{name}.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found |= declared(line.removeprefix("-r ").removesuffix(".txt"), folder)
        elif line:
            found.add(canonical(re.split(r"[^\w.-]", line)[0]))
    return found


def imports(node: ast.AST, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Top-level names that a module imports, and whether a function does."""
    inside = inside or isinstance(node, ast.FunctionDef)
    if isinstance(node, ast.Import):
        yield from ((alias.name.partition(".")[0], inside) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module.partition(".")[0], inside
    for child in ast.iter_child_nodes(node):
        yield from imports(child, inside)


distributions_of = cache(packages_distributions)
"""Distributions that bring a module, by its name; looked up in all that is installed."""


@cache
def imported(repository: Path, part: str) -> set[tuple[str, bool, Path]]:
    """Distributions that the files of a folder import, whether in a function, and the file."""
    # What lies in the first two is on pytest's path.
    folders = (repository / name for name in ("tests", "benchmarks", "docs/notebooks"))
    own = {"mmhsi", *(path.stem for folder in folders for path in folder.iterdir())}
    return {
        (canonical(distribution), inside, path)
        for path in (repository / part).rglob("*.py")
        if ".mim" not in path.parts and path.parent.name != "peers"  # whose pins are its own
        for name, inside in imports(ast.parse(path.read_text()))
        if name not in own and name not in sys.stdlib_module_names
        for distribution in distributions_of()[name]
    }


@pytest.mark.parametrize(
    ("part", "always", "in_functions"),
    [
        ("mmhsi", ["runtime"], ["export", "hub", "lora", "mask2former", "arrays", "zarr", "parquet", "dask"]),
        ("tools", ["runtime"], []),
        ("benchmarks", ["runtime", "tests"], []),
        ("tests", ["runtime", "tests"], []),
        ("docs", ["runtime", "docs", "tests"], []),
    ],
)
def test_everything_imported_is_declared(repository, part, always, in_functions):
    folder = repository / "requirements"
    everywhere = set().union(*(declared(name, folder) for name in always))
    more = set().union(*(declared(name, folder) for name in in_functions))
    # Which functions alone import.
    lazy = {
        repository / "mmhsi/models/segmentors/mask2former_decoder.py",
        repository / "mmhsi/inference/dask_scenes.py",
    }
    undeclared = {
        f"{path.relative_to(repository)}: {name}"
        for name, inside, path in imported(repository, part)
        if name not in everywhere and not (name in more and (inside or path in lazy))
    }
    assert undeclared == set()


def test_everything_declared_is_imported_and_constrained(repository):
    folder = repository / "requirements"
    used = {name for part in ("mmhsi", "tools") for name, _, _ in imported(repository, part)}
    assert declared("runtime", folder) - used == IMPORTED_BY_OTHERS
    tested = declared("constraints", folder)
    assert set().union(*(declared(name, folder) for name in ("runtime", "tests", "docs"))) <= tested
