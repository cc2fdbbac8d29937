"""Child registries of mmengine's, under scope ``mmhsi``.

``locations`` are imported when a config first asks for a type, so that ``import mmhsi`` stays light. A config that sets
``default_scope = 'mmhsi'`` finds everything of mmhsi and mmengine by its bare name and everything of the sister
packages with a prefix, such as ``mmseg.EncoderDecoder``.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mmengine import registry as root
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import DefaultScope
from mmengine.registry import Registry as MMRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

# mmengine finds ``mmhsi::…`` (in ``_base_``, in mmengine.hub) for the packages of this table alone.
MODULE2PACKAGE["mmhsi"] = "mmhsi"


def import_mmpretrain() -> None:
    """Import mmpretrain's models, less those of language where they do not go with the transformers that is installed.

    They are written for transformers 4; beside a newer one importing any of mmpretrain's models ends in a TypeError,
    while those that a cube needs know nothing of it. mmpretrain then has placeholders, as without transformers.
    """
    if "mmpretrain.models" in sys.modules:
        return
    dependency: Any = import_module("mmpretrain.utils.dependency")
    stated = dependency.WITH_MULTIMODAL
    dependency.WITH_MULTIMODAL = stated and int(version("transformers").split(".")[0]) < 5
    try:
        import_module("mmpretrain.models")
    finally:
        dependency.WITH_MULTIMODAL = stated


@contextmanager
def own_scope() -> Iterator[None]:
    """A context in which bare names are mmhsi's, unless a scope was set before, as running a config does.

    For what mmengine builds by its own registries within the constructor of a class that people call themselves.
    """
    if DefaultScope.get_current_instance() is not None:
        yield
        return
    with DefaultScope.overwrite_default_scope("mmhsi"):
        yield


class Registry(MMRegistry):
    """mmengine's, which imports mmpretrain and later ones of its locations when something of them is asked for."""

    def get(self, key: str) -> type | None:
        """The class under a name.

        Args:
            key: Its name, of a sister package's with a prefix.
        """
        found = registered(self, key) if isinstance(key, str) else None
        return found or super().get(key)


# Nodes to which mmhsi adds nothing: with a child of this scope, mmengine finds its own classes without a warning.
# With a location, though an empty one: it would import all of mmhsi otherwise.
NONE = ["mmhsi.registry"]
RUNNERS = Registry("runner", parent=root.RUNNERS, scope="mmhsi", locations=["mmhsi.engine"])
RUNNER_CONSTRUCTORS = Registry("runner constructor", parent=root.RUNNER_CONSTRUCTORS, scope="mmhsi", locations=NONE)
LOOPS = Registry("loop", parent=root.LOOPS, scope="mmhsi", locations=NONE)
LOG_PROCESSORS = Registry("log processor", parent=root.LOG_PROCESSORS, scope="mmhsi", locations=NONE)
OPTIMIZERS = Registry("optimizer", parent=root.OPTIMIZERS, scope="mmhsi", locations=NONE)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    "optimizer wrapper constructor",
    parent=root.OPTIM_WRAPPER_CONSTRUCTORS,
    scope="mmhsi",
    locations=["mmhsi.engine"],
)
PARAM_SCHEDULERS = Registry("parameter scheduler", parent=root.PARAM_SCHEDULERS, scope="mmhsi", locations=NONE)
EVALUATOR = Registry("evaluator", parent=root.EVALUATOR, scope="mmhsi", locations=NONE)
MODEL_WRAPPERS = Registry("model wrapper", parent=root.MODEL_WRAPPERS, scope="mmhsi", locations=["mmhsi.engine"])
STRATEGIES = Registry("strategy", parent=root.STRATEGIES, scope="mmhsi", locations=["mmhsi.engine"])
VISBACKENDS = Registry(
    "visualization backend",
    parent=root.VISBACKENDS,
    scope="mmhsi",
    locations=["mmhsi.visualization.wandb_backend"],
)
VISUALIZERS = Registry(
    "visualizer", parent=root.VISUALIZERS, scope="mmhsi", locations=["mmhsi.visualization.hsi_visualizer"]
)
HOOKS = Registry("hook", parent=root.HOOKS, scope="mmhsi", locations=["mmhsi.engine"])
OPTIM_WRAPPERS = Registry("optim_wrapper", parent=root.OPTIM_WRAPPERS, scope="mmhsi", locations=["mmhsi.engine"])
DATASETS = Registry("dataset", parent=root.DATASETS, scope="mmhsi", locations=["mmhsi.datasets"])
DATA_SAMPLERS = Registry("data sampler", parent=root.DATA_SAMPLERS, scope="mmhsi", locations=["mmhsi.datasets"])
TRANSFORMS = Registry("transform", parent=root.TRANSFORMS, scope="mmhsi", locations=["mmhsi.datasets.transforms"])
# mmengine looks collate functions up in its own registry, whatever the scope.
FUNCTIONS = root.FUNCTIONS
CHANNELS = Registry("family of channels", scope="mmhsi", locations=["mmhsi.datasets.channels"])
SPLITS = Registry("split", scope="mmhsi", locations=["mmhsi.datasets"])
MODELS = Registry(
    "model",
    parent=root.MODELS,
    scope="mmhsi",
    locations=["mmhsi.models", "mmhsi.models.decode_heads", "mmhsi.models.segmentors"],
)
MASKING = Registry("masking strategy", scope="mmhsi", locations=["mmhsi.models"])
WEIGHT_INITIALIZERS = Registry(
    "weight initializer", parent=root.WEIGHT_INITIALIZERS, scope="mmhsi", locations=["mmhsi.models"]
)
METRICS = Registry("metric", parent=root.METRICS, scope="mmhsi", locations=["mmhsi.evaluation"])


def registered(registry: MMRegistry, name: str) -> type | None:
    """What stands under a name in a registry, its parents or, with a prefix, a sister package's.

    For names that come from a file: mmengine's ``Registry.get`` takes one that it does not know for the path of any
    function of any module, and gives that to be called.

    Args:
        registry: One of those above.
        name: Such as ``'SelectBands'`` or ``'mmseg.RandomCrop'``.

    Returns:
        The class or function; None if nothing is registered under the name.
    """
    scope, key = Registry.split_scope_key(name)
    if scope not in (None, registry.scope):
        if scope == "mmseg":  # whose models come with ours, which keep its warnings back
            registry.import_from_location()
        sister = _sister(registry, scope)
        return None if sister is None else sister.module_dict.get(key)
    nodes: list[MMRegistry] = [registry]
    while scope is None and nodes[-1].parent is not None:
        nodes.append(nodes[-1].parent)
    for location in registry._locations:  # in order: later ones are built on mmseg's models
        import_module(location)
        found = next((node.module_dict[key] for node in nodes if key in node.module_dict), None)
        if found is not None:
            return found
    return next((node.module_dict[key] for node in nodes if key in node.module_dict), None)


def _sister(registry: MMRegistry, scope: str) -> MMRegistry | None:
    """The registry of the same things under another scope, filled; None if there is none."""
    top: MMRegistry = registry
    while top.parent is not None:
        top = top.parent
    if scope in ("mmseg", "mmpretrain") and find_spec(scope):
        import_module(f"{scope}.registry")
    if scope == "mmpretrain" and find_spec(scope):
        import_mmpretrain()
    found = top if scope == top.scope else top.children.get(scope)
    if found is not None:
        found.import_from_location()
    return found


__all__ = [
    "DATASETS",
    "DATA_SAMPLERS",
    "EVALUATOR",
    "FUNCTIONS",
    "HOOKS",
    "LOG_PROCESSORS",
    "LOOPS",
    "MASKING",
    "METRICS",
    "MODELS",
    "MODEL_WRAPPERS",
    "OPTIMIZERS",
    "OPTIM_WRAPPERS",
    "OPTIM_WRAPPER_CONSTRUCTORS",
    "PARAM_SCHEDULERS",
    "RUNNERS",
    "RUNNER_CONSTRUCTORS",
    "SPLITS",
    "STRATEGIES",
    "TRANSFORMS",
    "VISBACKENDS",
    "VISUALIZERS",
    "WEIGHT_INITIALIZERS",
]
