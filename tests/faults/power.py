"""What is on a disk after a power cut: a file system that drops whatever nobody waited for."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

Files = dict[str, bytes | None]
"""Contents by path; None is a folder."""


class PowerCut:
    """Watches a folder while something is written in it, and knows what a power cut at any moment would leave.

    A file's bytes are safe since it was last synced, and a name since its folder was. Before every call that syncs,
    renames or removes, two states are kept: nothing but what is safe (:attr:`states`, first kind), and all names as
    they are, with the bytes that are safe, as file systems leave it that write names first.

    Args:
        folder: What lies in it already is safe.
        others: Pattern of files that other processes write there, which wait for them to be safe before they give them
            their names.
    """

    def __init__(self, folder: Path, others: str | None = None) -> None:
        self.folder = folder
        self.others = others
        self.states: dict[str, Files] = {}
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        self._open: list[int] = []  # so that no number of a file is given to another
        for path in [folder, *folder.rglob("*")]:
            self._safe(path)

    def watch(self) -> None:
        """Look at all calls of this process from now on."""
        for name in ("fsync", "replace", "rename", "unlink", "remove", "rmdir"):
            setattr(os, name, self._watched(getattr(os, name), name))

    def _watched(self, call, name):
        @functools.wraps(call)
        def watched(*args, **options):
            for path in self.folder.rglob(self.others) if self.others else ():
                self._safe(path)
                self._names.setdefault(path.parent.stat().st_ino, {})[path.name] = (path.stat().st_ino, False)
            self._keep(self._lost(self.folder.stat().st_ino))
            self._keep(self._names_first())
            result = call(*args, **options)
            if name == "fsync":
                self._safe(Path(f"/proc/self/fd/{args[0]}").readlink())
            return result

        return watched

    def _safe(self, path: Path) -> None:
        if not path.exists() or not path.is_relative_to(self.folder):
            return
        number = path.stat().st_ino
        self._open.append(os.open(path, os.O_RDONLY))
        if path.is_dir():
            self._names[number] = {entry.name: (entry.inode(), entry.is_dir()) for entry in os.scandir(path)}
        else:
            self._bytes[number] = path.read_bytes()

    def _lost(self, number: int, at: str = "") -> Files:
        """What is safe, by path."""
        found: Files = {}
        for name, (inner, is_folder) in self._names.get(number, {}).items():
            found[f"{at}{name}"] = None if is_folder else self._bytes.get(inner, b"")
            found.update(self._lost(inner, f"{at}{name}/"))
        return found

    def _names_first(self) -> Files:
        paths = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*")}
        return {
            name: None if path.is_dir() else self._bytes.get(path.stat().st_ino, b"") for name, path in paths.items()
        }

    def _keep(self, files: Files) -> None:
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
        self.states.setdefault(digest, files)


def restore(files: Files, folder: Path) -> None:
    """Write what a power cut left.

    Args:
        files: From :attr:`PowerCut.states`.
        folder: An empty one.
    """
    for name, content in sorted(files.items()):
        path = folder / name
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content)
