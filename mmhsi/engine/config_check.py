"""Mistakes of a config's writer, found before anything is built: sections, types and keys that nobody reads."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.model import ExponentialMovingAverage, MomentumAnnealingEMA, StochasticWeightAverage
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import Runner

from mmhsi import registry as registries
from mmhsi.arguments import named_arguments, nearest
from mmhsi.datasets.catalogue.lookup import check_description
from mmhsi.errors import ConfigError
from mmhsi.registry import registered

from .compile_check import check_compile
from .config_sections import (
    BUILT,
    DEFAULT_HOOKS,
    HOOK,
    LOADER_KEYS,
    LOADERS,
    LOOPS,
    MODEL_PARTS,
    NEEDED,
    PARAMWISE,
    PARAMWISE_OF_ONE,
    PARTS,
    PLAIN,
    SECTIONS,
    Section,
)
from .config_values import check_values, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mmengine.config import Config

ALWAYS = frozenset({"type", "_scope_", "_delete_"})
"""Keys that mmengine takes out of every description."""
LOOKS_LIKE = 0.8
"""Likeness above which a variable is taken for a mistyped section, an unknown word for a mistyped type."""
PASSED_ON = {
    CheckpointHook: (Runner.save_checkpoint,),
    EMAHook: (ExponentialMovingAverage, MomentumAnnealingEMA, StochasticWeightAverage),
}
"""Who gets the keys that a class takes without naming them."""
REGISTRIES = [value for name in registries.__all__ if isinstance(value := getattr(registries, name), Registry)]
ONE_PART = {
    **dict.fromkeys(("dataset", "sampler", "batch_sampler"), (registries.DATASETS,)),
    "optimizer": (registries.OPTIM_WRAPPERS,),
}
"""Names under which one description stands, in what is built of a registry."""
COMPLETE = (registries.TRANSFORMS, registries.SPLITS, registries.MASKING, registries.HOOKS, registries.METRICS)
"""Registries whose classes get all of their arguments from the config."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def check_config(cfg: Config) -> None:
    """Compare a config's sections, types and keys with what there is; nothing is built.

    The keys of a type are the arguments that its class names, and its bases to which it hands on the rest; a class that
    takes others besides gets any. Types are looked up as mmengine does, so that their modules are imported.

    Args:
        cfg: The whole config.

    Raises:
        ConfigError: Naming the first section, type or key that nobody would read, and the nearest that somebody would.
    """
    try:
        with DefaultScope.overwrite_default_scope(cfg.get("default_scope") or "mmhsi"):
            for name, value in cfg.items():
                check_section(name, value)
    except ConfigError as error:
        raise ConfigError(f"{cfg.filename}: {error}" if cfg.filename else str(error)) from None


def check_complete(cfg: Config) -> None:
    """Check that a config has a model, and all that a training, a validation or a test that it has needs.

    Raises:
        ConfigError: If it has not.
    """
    check_model(cfg)
    where = f"{cfg.filename}: " if cfg.filename else ""
    for names in NEEDED:
        given = [name for name in names if cfg.get(name) is not None]
        lacking = [name for name in names if name not in given]
        if given and lacking:
            raise ConfigError(f"{where}has {', '.join(given)}, but no {', '.join(lacking)}")


def _is_log_level(value: object) -> bool:
    return value in LOG_LEVELS if isinstance(value, str) else value is None or type(value) is int


def check_model(cfg: Config) -> None:
    """Check that a config has a model.

    Args:
        cfg: The whole config, perhaps of a data set alone.

    Raises:
        ConfigError: If it has not.
    """
    if not isinstance(cfg.get("model"), dict):
        where = f"{cfg.filename}: " if cfg.filename else ""
        close = [name for name in cfg if name not in SECTIONS]
        raise ConfigError(f"{where}has no section 'model'{nearest('model', close) if close else ''}")


def check_section(name: str, value: object) -> None:
    """Check what stands under a name at the top of a config; variables, which it may hold, are not looked into.

    Raises:
        ConfigError: As :func:`check_config`.
    """
    if name not in SECTIONS:
        close = get_close_matches(name, SECTIONS, n=1, cutoff=LOOKS_LIKE)
        ending = name.removeprefix(close[0]) if close else ""
        if close and len(name) > 4 and not ending.startswith("_") and not ending.isdigit():
            raise ConfigError(f"{name} is no section{nearest(name, close)}")
    elif name in (*LOADERS, *LOOPS, "default_hooks") and not isinstance(value, dict | None):
        raise ConfigError(f"{name} = {shown(value)}; expected a dict")
    elif name == "log_level" and not _is_log_level(value):
        raise ConfigError(f"log_level = {shown(value)}; expected one of {', '.join(LOG_LEVELS)}")
    elif name == "compile":
        check_compile(value)
    elif name in LOADERS:
        _check_loader(name, value)
    elif name == "default_hooks":
        hooks = value if isinstance(value, dict) else {}
        for hook, described in hooks.items():
            if isinstance(described, dict) and "type" not in described:
                raise ConfigError(f"{name}.{hook} has no type{nearest(hook, DEFAULT_HOOKS)}")
            _check_part(f"{name}.{hook}", described, HOOK)
    elif name in LOOPS and isinstance(value, dict):
        default = LOOPS[name][value.get("by_epoch", True)]
        _check_part(name, value, Section(registries.LOOPS, frozenset({"by_epoch"}), default))
    elif name in PLAIN:
        _check_plain(name, value)
    elif name == "optim_wrapper" and isinstance(value, dict):
        _check_optim_wrapper(name, value)
    elif name in BUILT:
        _check_part(name, value, BUILT[name])
        if name == "model" and isinstance(value, dict):
            _check_preprocessor(value)


def _check_preprocessor(model: dict) -> None:
    """Models of mmhsi get their bands and what is missing from a preprocessor of theirs."""
    target = _target(model.get("type"), registries.MODELS, model.get("_scope_"))
    if target is None or not getattr(target, "__module__", "").startswith("mmhsi."):
        return
    if model.get("data_preprocessor") is None and "data_preprocessor" in named_arguments(target)[0]:
        raise ConfigError(f"model: {_word(model['type'])} needs a data_preprocessor")


def _check_loader(name: str, value: object) -> None:
    if isinstance(value, dict):
        _check_keys(name, value, "a data loader", LOADER_KEYS)
        if not value.get("dataset"):
            raise ConfigError(f"{name} has no dataset")
        check_values(name, value, {}, exact=False)
        _check_inside(name, value, registries.DATASETS)


def _check_plain(name: str, value: object) -> None:
    if not isinstance(value, dict | None):
        raise ConfigError(f"{name} = {shown(value)}; expected a dict")
    value = value or {}
    _check_keys(name, value, name.rpartition(".")[2], PLAIN[name])
    check_values(name, value, {}, exact=False)
    for key, inner in value.items():
        if f"{name}.{key}" in PLAIN:
            _check_plain(f"{name}.{key}", inner)


def _check_optim_wrapper(name: str, value: dict) -> None:
    constructor = value.get("constructor", next(iter(PARAMWISE)))
    if constructor not in PARAMWISE:  # it may want anything
        _check_inside(name, value, BUILT[name].registry)
        return
    _check_part(name, value, BUILT[name])
    paramwise = value.get("paramwise_cfg") or {}
    _check_keys(f"{name}.paramwise_cfg", paramwise, constructor, PARAMWISE[constructor])
    for key, one in (paramwise.get("custom_keys") or {}).items():
        _check_keys(f"{name}.paramwise_cfg.custom_keys[{key!r}]", one, "custom_keys", PARAMWISE_OF_ONE)


def _check_part(where: str, value: object, section: Section) -> None:
    """Check what is built of a registry: one description, a list or a dict of them."""
    if isinstance(value, list | tuple):
        for index, each in enumerate(value):
            _check_part(f"{where}[{index}]", each, section)
    elif isinstance(value, dict) and ("type" in value or section.default):
        _check_described(where, value, value.get("type", section.default), section.registry, section.keys)
    elif isinstance(value, dict) and value:
        if not all(isinstance(each, dict | list | tuple) for each in value.values()):
            raise ConfigError(f"{where} has no type")
        for key, each in value.items():
            _check_part(f"{where}.{key}", each, section)
    elif value is not None and not hasattr(value, "__dict__"):
        raise ConfigError(f"{where} = {shown(value)}; expected a dict with a type")


def _check_described(
    where: str,
    value: dict,
    kind: object,
    registry: Registry,
    keys: Collection[str] = (),
    exact: bool = True,
    sure: bool = True,
) -> None:
    """Check one description: that there is such a type, that it takes the keys; then what is inside.

    Args:
        where: Where it stands.
        value: The description.
        kind: Its type.
        registry: Where its type is registered.
        keys: Taken by whoever builds it, beside the arguments of the class.
        exact: Whether its type must be in that registry, or can be in any.
        sure: Whether that is a type at all; among the arguments of other packages it may be a word.
    """
    target = _target(kind, registry, value.get("_scope_"))
    if target is None and not exact:
        target = next((found for each in REGISTRIES if (found := _target(kind, each, value.get("_scope_")))), None)
    if target is None:
        _refuse_type(where, kind, registry, sure)
        return
    if (
        registry is registries.MODELS and isinstance(kind, str) and not isinstance(target, type)
    ):  # mmengine imports whatever a dotted name names
        raise ConfigError(f"{where}: type={_word(kind)!r} is no class of models")
    named, others = named_arguments(target)
    taken = {*named, *keys}
    if others:
        receivers = next((receivers for cls, receivers in PASSED_ON.items() if _derived(target, cls)), None)
        others = receivers is None
        taken.update(*(named_arguments(receiver)[0] for receiver in receivers or ()))
    if not others:
        _check_keys(where, value, _word(kind), taken)
    check_values(where, value, named, exact=_is_ours(target))
    if registry in COMPLETE:
        lacking = [name for name, each in named.items() if each.default is each.empty and name not in value]
        if lacking:
            raise ConfigError(f"{where}: {_word(kind)} needs {', '.join(lacking)}")
    _check_inside(where, value, registry, _is_ours(target))


def _check_inside(where: str, value: dict, registry: Registry, sure: bool = True) -> None:
    """Check the descriptions that stand in one, or in lists and dicts in it."""
    parts = MODEL_PARTS if registry in (registries.MODELS, registries.WEIGHT_INITIALIZERS) else PARTS
    if registry is registries.DATASETS and value.get("scene") is not None:
        check_description(value["scene"])
    for key, inner in value.items():
        part = parts.get(key)
        if part is registries.MODELS or (key in ONE_PART and registry in ONE_PART[key]):
            _check_one(f"{where}.{key}", inner)
        for index, each in _descriptions(inner):
            place = f"{where}.{key}{index}"
            if part is None and str(key).endswith("_cfg"):  # of mmcv's, whose builders take keys of their own
                if _target(each["type"], registry) is None:
                    _refuse_type(place, each["type"], registry, False)
                continue
            extra = {"override"} if part is registries.WEIGHT_INITIALIZERS else set()
            known = part is not None
            _check_described(place, each, each["type"], part if known else registry, extra, known, sure or known)


def _check_one(where: str, value: object) -> None:
    """Refuse what is no description, nor holds some."""
    if isinstance(value, bool | int | float | str):
        raise ConfigError(f"{where} = {shown(value)}; expected a dict with a type")
    holds = isinstance(value, dict) and any(isinstance(each, dict | list | tuple) for each in value.values())
    if isinstance(value, dict) and "type" not in value and not holds:
        raise ConfigError(f"{where} has no type")


def _descriptions(value: object, index: str = "") -> Iterator[tuple[str, dict]]:
    """Descriptions with a type, the outermost ones, and where they stand."""
    if isinstance(value, dict) and "type" in value:
        yield index, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _descriptions(inner, f"{index}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _descriptions(inner, f"{index}[{number}]")


def _target(kind: object, registry: Registry, scope: str | None = None) -> Callable | None:
    """The class or function of a type; None if nothing is registered or can be imported under the name."""
    if not isinstance(kind, str):
        return kind if callable(kind) else None
    scope = scope or DefaultScope.get_current_instance().scope_name
    own = registered(registry, f"{scope}.{kind}") if scope != "mmhsi" else None
    return own or registered(registry, kind) or (registry.get(kind) if "." in kind else None)


def _refuse_type(where: str, kind: object, registry: Registry, sure: bool) -> None:
    """Refuse a type, if it is not one or, where another package decides what types there are, looks like another."""
    name = str(kind)
    prefix, dot, _ = name.rpartition(".")
    nodes = [registry, *([registry.parent] if registry.parent else [])]
    names = {f"{prefix}{dot}{key}" for node in nodes for key in node.module_dict}
    if dot:
        top = nodes[-1]
        names = {f"{child}.{key}" for child, node in top.children.items() for key in node.module_dict} | names
    if sure or get_close_matches(name, names, n=1, cutoff=LOOKS_LIKE):
        raise ConfigError(f"{where}: type={kind!r} is unknown{nearest(name, names)}")


def _check_keys(where: str, value: object, owner: str, taken: Collection[str]) -> None:
    for key in value if isinstance(value, dict) else ():
        if key not in taken and key not in ALWAYS:
            raise ConfigError(f"{where}: {owner} takes no {key!r}{nearest(str(key), set(taken) - {'self'})}")


def _derived(target: Callable, cls: type) -> bool:
    return inspect.isclass(target) and issubclass(target, cls)


def _word(kind: object) -> str:
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _is_ours(target: Callable) -> bool:
    return getattr(target, "__module__", "").startswith(("mmhsi.", "mmengine."))
