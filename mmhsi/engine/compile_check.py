"""The section ``compile`` of a config, asked of torch before anything is built."""

from __future__ import annotations

import inspect

import torch

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError

from .config_values import check_values, shown

LONGEST = 160
"""Characters of torch's reason that are shown; some list every option."""


def check_compile(value: object) -> None:
    """Check what is given to ``torch.compile``; nothing is compiled.

    Args:
        value: True, False, None, or a dict of its arguments and, for a runner with a strategy, ``target``.

    Raises:
        ConfigError: Naming the key that torch does not take.
    """
    if not isinstance(value, dict):
        if value is not None and not isinstance(value, bool):
            raise ConfigError(f"compile = {shown(value)}; expected True, False or a dict of torch.compile's arguments")
        return
    named = dict(inspect.signature(torch.compile).parameters)
    named.pop("model")
    for key in value:
        if key not in named and key != "target":
            raise ConfigError(f"compile: torch.compile takes no {key!r}{nearest(str(key), named)}")
    check_values("compile", value, named, exact=True)
    given = {key: each for key, each in value.items() if key != "target"}
    backend = {key: each for key, each in given.items() if key == "backend"}
    # Looked up when a function is wrapped, by the backend: it first, each other key beside it, then all together.
    for key in (*backend, *given, None):
        part = given if key is None else backend | {key: given[key]}
        try:
            torch.compile(_nothing, **part)
        except Exception as error:
            where, said = ("compile", part) if key is None else (f"compile.{key}", given[key])
            raise ConfigError(f"{where} = {shown(said)}: {' '.join(str(error).split())[:LONGEST]}") from error


def _nothing() -> None:
    """What is wrapped and never called."""
