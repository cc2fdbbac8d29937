"""Low-rank adapters (E. J. Hu et al., LoRA, ICLR 2022) in the linear maps of a backbone, by the package peft."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADAPTER = "default"
"""peft's name of the one that there is."""
OPTIONS = ("rank", "alpha", "dropout", "targets", "also")


def check_lora(owner: str, lora: Mapping[str, Any]) -> dict[str, Any]:
    """Options of adapters with their defaults.

    Args:
        owner: Whose they are, for messages.
        lora: ``rank`` r, default 8; ``alpha``, default 16: the adapters' product is multiplied by alpha / r;
            ``dropout`` before them, default 0; ``targets``, ends of the names of the linear maps that get one, default
            ``("qkv", "proj")``; ``also``, beginnings of the names of what is trained as a whole beside, such as
            ``("patch_embed",)`` for bands that the weights do not know; default none.

    Raises:
        ConfigError: If an option is unknown or cannot be meant so.
    """
    given: dict[str, Any] = {"rank": 8, "alpha": 16, "dropout": 0.0, "targets": ("qkv", "proj"), "also": (), **lora}
    unknown = sorted(given.keys() - set(OPTIONS))
    if unknown:
        raise ConfigError(f"{owner}: lora has no option {unknown[0]!r}, expected {', '.join(OPTIONS)}")
    if type(given["rank"]) is not int or given["rank"] < 1:
        raise ConfigError(f"{owner}: lora.rank={given['rank']!r} given, expected at least 1")
    for name in ("alpha", "dropout"):
        check_number(owner, f"lora.{name}", given[name])
    if given["alpha"] <= 0 or not 0 <= given["dropout"] < 1:
        raise ConfigError(
            f"{owner}: lora.alpha={given['alpha']}, lora.dropout={given['dropout']} given; expected more than 0, and 0 "
            "to less than 1"
        )
    return given


def add_adapters(backbone: nn.Module, options: Mapping) -> None:
    """Put adapters into a backbone, in place; nothing else of it learns but what ``also`` names.

    They begin as no change: one factor is random, the other 0.

    Args:
        backbone: The backbone.
        options: From :func:`check_lora`.

    Raises:
        ConfigError: If peft is not installed, or no linear map has such a name.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ConfigError("lora: needs peft; pip install 'mmhsi[lora]'") from error
    ends = tuple(options["targets"])
    names = [
        name
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in ends
    ]
    if not names:
        linear = {name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)}
        known = ", ".join(sorted({name.rpartition(".")[2] for name in linear})) or "none"
        raise ConfigError(f"lora: {type(backbone).__name__} has no linear map {' or '.join(ends)}; it has {known}")
    config = LoraConfig(
        r=options["rank"], lora_alpha=options["alpha"], lora_dropout=options["dropout"], target_modules=names
    )
    inject_adapter_in_model(config, backbone, ADAPTER)
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(".lora_" in name or name.startswith(tuple(options["also"])))


def _layers(backbone: nn.Module) -> list[tuple[str, Any]]:
    """Maps with adapters, by name."""
    from peft.tuners.lora import LoraLayer

    return [(name, module) for name, module in backbone.named_modules() if isinstance(module, LoraLayer)]


def _put(backbone: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of another."""
    parent, _, last = name.rpartition(".")
    setattr(backbone.get_submodule(parent), last, module)


@contextmanager
def without_adapters(backbone: nn.Module) -> Iterator[None]:
    """Within the block a backbone has no adapters, and its weights their own names; behind it it has the same again.

    The same parameters: an optimiser may know them already.
    """
    found = _layers(backbone)
    for name, layer in found:
        _put(backbone, name, layer.get_base_layer())
    try:
        yield
    finally:
        for name, layer in found:
            _put(backbone, name, layer)


def merge_adapters(backbone: nn.Module) -> None:
    """Add adapters to the maps that they belong to, and take them out: the backbone gives what it gave."""
    for name, layer in _layers(backbone):
        layer.merge()
        _put(backbone, name, layer.get_base_layer())


@torch.no_grad()
def merged_state(state: Mapping[str, Tensor], options: Mapping) -> dict[str, Tensor]:
    """A state dict with adapters as that of the same model without, for which peft is not needed.

    Args:
        state: Weights by name.
        options: From :func:`check_lora`.

    Returns:
        W + (alpha / r) · B · A in the place of W, A and B.
    """
    merged = {}
    for name, value in state.items():
        if ".lora_" in name:
            continue
        plain = name.replace(".base_layer.", ".")
        if plain != name and name.endswith(".weight"):
            layer = re.sub(r"\.base_layer\.weight$", "", name)
            down, up = (state[f"{layer}.lora_{part}.{ADAPTER}.weight"] for part in "AB")
            value = value + options["alpha"] / options["rank"] * (up @ down)
        merged[plain] = value
    return merged


def adapted(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict holds adapters."""
    return any(".lora_" in name for name in state)
