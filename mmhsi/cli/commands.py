"""The commands of the package: their groups, what each does, and the options of each."""

from __future__ import annotations

import argparse
import ast
import runpy
import sys
from pathlib import Path
from unittest import mock

from mmhsi.packaged import packaged_folder

TOOLS = packaged_folder(Path(__file__).parents[1], "tools")
GROUPS = {
    "Start here": ("classify", "demo", "download_dataset", "make_demo_scene"),
    "Labels": ("labels", "suggest", "show_split", "class_weights", "toulouse_labels"),
    "Training": ("train", "test", "weights", "fit_pca", "probe_features", "spectral_baselines", "get_flops"),
    "Maps": ("predict", "embed", "score", "show_map", "show_areas", "show_spectra", "show_bands"),
    "Reports": ("browse_report", "show_report", "show_features", "show_attention", "show_embedding"),
    "Models to hand on": ("publish_model", "export", "strip_pruned", "trust_checkpoint"),
    "The rest": ("completion",),
}
"""Commands by what somebody wants to do; those that no group names come last."""


def find_tools(folder: Path = TOOLS) -> dict[str, Path]:
    """The file of every command.

    Args:
        folder: That of the tools. Default: the package's.

    Returns:
        Paths by name, in the order of :data:`GROUPS`.
    """
    found = {path.stem: path for path in sorted(folder.rglob("*.py"))}
    ordered = [name for names in GROUPS.values() for name in names if name in found]
    return {name: found[name] for name in [*ordered, *(name for name in found if name not in ordered)]}


def grouped(tools: dict[str, Path]) -> dict[str, list[str]]:
    """Names of the commands that there are, by group; those of no group are in the last.

    Args:
        tools: Of :func:`find_tools`.
    """
    groups = {group: [name for name in names if name in tools] for group, names in GROUPS.items()}
    known = {name for names in groups.values() for name in names}
    groups["The rest"] += [name for name in tools if name not in known]
    return groups


def purpose(path: Path) -> str:
    """What a command does: the first line of its file, which is read and not run."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].strip()


def overview() -> str:
    """All commands by group, a line each, for ``mmhsi --help``."""
    tools = find_tools()
    width = max(map(len, tools))
    lines = []
    for group, names in grouped(tools).items():
        lines += ["", f"{group}:"]
        lines += [f"  {name:<{width}}  {purpose(tools[name])}" for name in names]
    return "\n".join(lines[1:])


class _Parsed(Exception):  # noqa: N818, no error
    """Brings a parser out of a command."""


def parser_of(name: str, words: list[str] | None = None) -> tuple[argparse.ArgumentParser, argparse.Namespace | None]:
    """The parser of a command, of which nothing else is run.

    Args:
        name: Of the command.
        words: Arguments that it is to parse. Default None: it parses none.

    Returns:
        The parser, and what it made of the words.

    Raises:
        SystemExit: If it refuses them.
    """
    parse = argparse.ArgumentParser.parse_args
    mixed = argparse.ArgumentParser.parse_intermixed_args

    def leave(parser: argparse.ArgumentParser, *_: object) -> None:
        raise _Parsed(parser, None if words is None else parse(parser))

    def leave_mixed(parser: argparse.ArgumentParser, *_: object) -> None:
        # It parses in two steps, each of them by parse_args' sibling.
        raise _Parsed(parser, None if words is None else mixed(parser))

    main = runpy.run_path(str(find_tools()[name]))["main"]
    with (
        mock.patch.object(sys, "argv", [f"mmhsi {name}", *(words or ())]),
        mock.patch.object(argparse.ArgumentParser, "parse_args", leave),
        mock.patch.object(argparse.ArgumentParser, "parse_intermixed_args", leave_mixed),
    ):
        try:
            main()
        except _Parsed as found:
            return found.args
    raise RuntimeError(f"{name} parses no arguments")
