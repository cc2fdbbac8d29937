"""Names and what stands behind them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from fuzz.case import Case
from fuzz.files import FORMATS, Build, damaged, write_envi, write_geotiff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUFFIXES = (".tif", ".hdr", ".img", ".mat", ".npy")
_ALL = (
    "cube",
    "label_map",
    "scene",
    "tiles",
    "predict",
    "predict_labels",
    "predict_checkpoint",
    "split_file",
    "class_map",
)


def named(name: str) -> Case:
    """A valid GeoTIFF of this name, in a folder of this name."""

    def build(folder: Path) -> Path:
        place = folder / f"in {name}"
        place.mkdir()
        return write_geotiff(place, name=f"{name}.tif")

    return Case(f"path: {name!r}", build, False)


def instead(what: str, make: Callable[[Path], object], suffix: str, **options: object) -> Case:
    """Something else than a file."""

    def build(folder: Path) -> Path:
        path = folder / f"scene{suffix}"
        make(path)
        return path

    return Case(f"{suffix}: {what}", build, True, _ALL, **options)


def noise(suffix: str, seed: int) -> Case:
    content = np.random.default_rng(seed).bytes(5000)
    return instead("random bytes", lambda path: path.write_bytes(content), suffix)


def renamed(made: str, suffix: str) -> Case:
    """A valid file under the suffix of another format."""

    def build(folder: Path) -> Path:
        return FORMATS[made](folder).rename(folder / f"other{suffix}")

    return Case(f"{made} named {suffix}", build, None)


def sidecar_pipe(name: str) -> Build:
    return damaged(write_geotiff, lambda path: os.mkfifo(path.with_name(name)))


def header_pipe(folder: Path) -> Path:
    path = write_envi(folder)
    path.unlink()
    os.mkfifo(path)
    return path.with_suffix(".img")


def without_rights(write: Build) -> Build:
    return damaged(write, lambda path: path.chmod(0))


NAMES = [
    "with space",
    "Überflug 高光谱",
    "quote ' and \" and `",
    "line\nbreak",
    "tab\tbell\a",
    "semi;colon & $(x)",
    "[ab]*?",
    "100%",
    "a#b",
    "a?b=c",
    "x:y",
    "zip+file",
    "é" * 60,
    "-dash",
    ".hidden",
    "back\\slash",
    "nul.{x}",
]
CASES = [
    *map(named, NAMES),
    *[instead("a folder", lambda path: path.mkdir(), suffix) for suffix in SUFFIXES],
    *[instead("a pipe", lambda path: os.mkfifo(path), suffix) for suffix in SUFFIXES],
    *[instead("a link to itself", lambda path: path.symlink_to(path), suffix) for suffix in SUFFIXES[::2]],
    *[instead("a link to nothing", lambda path: path.symlink_to("gone"), suffix) for suffix in SUFFIXES[::2]],
    *[instead("/dev/zero", lambda path: path.symlink_to("/dev/zero"), suffix) for suffix in SUFFIXES],
    *[instead("empty", lambda path: path.touch(), suffix) for suffix in SUFFIXES],
    *[instead("no file", lambda path: None, suffix) for suffix in SUFFIXES],
    *[noise(suffix, seed) for seed, suffix in enumerate(SUFFIXES)],
    *[instead("text", lambda path: path.write_text("bread, milk\n" * 99), suffix) for suffix in SUFFIXES],
    *[renamed(made, suffix) for made in ("geotiff", "mat 5", "npy") for suffix in SUFFIXES if made[:3] not in suffix],
    instead("name of 5000 letters", lambda path: None, "x" * 5000),
    Case("ENVI whose header is a pipe", header_pipe),
    Case("GeoTIFF whose sidecar is a pipe", sidecar_pipe("scene.tif.aux.xml")),
    Case("GeoTIFF whose world file is a pipe", sidecar_pipe("scene.tfw")),
    *[Case(f"{name} that disappears", write, True, ("vanished",)) for name, write in FORMATS.items()],
    *[
        Case(
            f"{name} without the right to read it",
            damaged(write, lambda path: path.chmod(0)),
            True,
            ("cube", "scene"),
            unprivileged=True,
        )
        for name, write in FORMATS.items()
    ],
]
