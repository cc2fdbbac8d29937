"""Initialisation that speaks of what it changed alone."""

from __future__ import annotations

from typing import Any

from mmengine.dist import master_only
from mmengine.logging import print_log
from mmengine.model import BaseModule

from mmhsi.registry import own_scope

UNCHANGED = "The value is the same before and after"
"""What mmengine's note on a parameter that ``init_weights`` left alone begins with."""


class QuietInit(BaseModule):
    """Base of all models and their parts: usable as constructed; ``init_weights`` applies ``init_cfg`` and no more.

    Of every parameter of the model mmengine logs two lines, be it changed or not. Here those that were changed are
    named, all that were changed alike in one line, and nothing is said where none was.

    What mmengine and mmseg build in their constructors, such as a data preprocessor, and initialisations are looked for
    in mmhsi's scope where no config set another.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        with own_scope():
            super().__init__(*args, **options)

    def init_weights(self) -> None:
        """As mmengine has it."""
        with own_scope():
            super().init_weights()

    @master_only
    def _dump_init_info(self) -> None:
        changed: dict[str, list[str]] = {}
        for name, parameter in self.named_parameters():
            note = self._params_init_info[parameter]["init_info"].strip()
            if not note.startswith(UNCHANGED):
                changed.setdefault(note, []).append(name)
        for note, names in changed.items():
            some = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
            print_log(f"{type(self).__name__}.init_weights: {len(names)} parameters ({some}): {note}", logger="current")
