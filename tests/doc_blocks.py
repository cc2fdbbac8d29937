"""The fenced code blocks of the documentation, and the commands in them."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(\s*)```(\S*)\s*$")
REASON = re.compile(r"^<!-- not run: (\S.*\S) -->$")
FILE = re.compile(r"^# (\S+/\S+\.py)$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: Path from the root.
        line: Of its fence.
        language: After the fence.
        code: What stands in it.
        reason: Why it is not run, or None.
    """

    page: str
    line: int
    language: str
    code: str
    reason: str | None

    @property
    def file(self) -> str | None:
        """The file that the block says it is, in a comment at its top."""
        found = FILE.match(self.code.partition("\n")[0])
        return found[1] if found else None

    @property
    def is_config(self) -> bool:
        """Whether it is Python that only assigns names."""
        body = ast.parse(self.code).body
        return all(isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) for node in body)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """All Markdown that is shown to readers."""
    docs = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    return sorted([*ROOT.glob("*.md"), *docs, *ROOT.glob("configs/*/README.md")])


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page in order; Sphinx's directives are left out."""
    found, before, start = [], "", None
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if start is None and fence:
            reason = REASON.match(before)
            start = (number, fence[2], reason[1] if reason else None)
        elif start is not None and fence and not fence[2]:
            code = "\n".join(lines[start[0] : number - 1]) + "\n"
            if not start[1].startswith("{"):
                found.append(Block(str(page.relative_to(ROOT)), start[0], start[1], code, start[2]))
            start, before = None, ""
        elif start is None and line.strip():
            before = line.strip()
    return found


def commands(code: str) -> list[list[str]]:
    """Words of every command of a shell block; variables are filled in, loops run once, a pipe is one word."""
    variables: dict[str, str] = {}
    found = []
    for line in code.replace("\\\n", " ").splitlines():
        loop = re.match(r"\s*for (\w+) in (\S+?)[ ;].*do$", line)
        if loop:
            variables[loop[1]] = loop[2]
            continue
        line = re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], match[0]), line)
        for part in line.split(" && "):
            words = [part.strip()] if " | " in part else shlex.split(part, comments=True)
            if words and words[0] == "export":
                words = words[1:]
            while words and re.fullmatch(r"\w+=.*", words[0]):
                name, _, value = words.pop(0).partition("=")
                variables[name] = value
            if words and words != ["done"]:
                found.append(words)
    return found
