"""mmengine's optimisers, without the import of transformers, which takes longer than all the rest of mmhsi.

mmengine imports it, and it imports peft, for one optimiser, whenever a model of mmengine's is imported. Importing this
module first spares that; the optimiser stays in mmengine's registry and imports transformers when it is built. Where
mmengine's optimisers or transformers have been imported before, nothing is done.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mmengine.registry import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.optim import Optimizer


def adafactor(params: Iterable, **options: Any) -> Optimizer:
    """Adafactor of transformers, which configs name ``Adafactor``.

    Args:
        params: Parameters or groups of them.
        **options: Its other arguments.
    """
    from transformers import Adafactor

    return Adafactor(params, **options)


def import_optimizers() -> None:
    """Import mmengine's optimisers as the module says."""
    if "mmengine.optim" in sys.modules or "transformers" in sys.modules or find_spec("transformers") is None:
        return
    modules: dict[str, Any] = sys.modules
    modules["transformers"] = None  # an import fails as if it were not installed
    try:
        import_module("mmengine.optim")
    finally:
        del modules["transformers"]
    OPTIMIZERS.register_module(name="Adafactor", module=adafactor)


import_optimizers()
