"""Layer pruning by magnitude (LO-SST paper §3.2).

The paper sets the parameters of the least important layers to zero, which makes a residual layer the identity, and
stores the originals. Here a pruned layer is passed over instead: the same output, faster, and the originals stay in the
layer, frozen, until :func:`restore`, or until :func:`strip` removes them for deployment.

Any backbone can be pruned that keeps its residual layers in :class:`~mmhsi.models.layers.prunable.PrunableLayers` and
names them in ``prunable_stages()``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from torch import Tensor, nn

from mmhsi.errors import ConfigError

from .layers.prunable import PrunableLayers


class Prunable(Protocol):
    """What a backbone offers."""

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Its lists of residual layers, by name, in the order of the forward pass."""


def find_prunable(model: nn.Module) -> Prunable:
    """Find the one module in ``model``, itself included, that can be pruned.

    Raises:
        ConfigError: If there is none, or more than one.
    """
    # Asked of the class: FSDP's wrapper passes attributes of what it wraps on, and would count too.
    found = {name: module for name, module in model.named_modules() if hasattr(type(module), "prunable_stages")}
    if not found:
        raise ConfigError(f"{type(model).__name__} has no backbone with layers to prune, such as SST")
    if len(found) > 1:
        raise ConfigError(
            f"{type(model).__name__} has {len(found)} modules with layers to prune; choose one: {', '.join(found)}"
        )
    return cast(Prunable, next(iter(found.values())))


def prunable_stages(model: nn.Module) -> dict[str, PrunableLayers]:
    """Lists of layers of ``model`` that may be pruned, by the stage's name."""
    return find_prunable(model).prunable_stages()


def layer_importance(layer: nn.Module) -> float:
    """Mean of the absolute values of all parameters of a layer (LO-SST paper, eq. 2)."""
    total = sum(parameter.detach().abs().double().sum() for parameter in layer.parameters())
    return float(total) / max(count_parameters(layer), 1)


def count_parameters(layer: nn.Module) -> int:
    """Number of values in all parameters of a layer."""
    return sum(parameter.numel() for parameter in layer.parameters())


def check_num_layers(stages: Mapping[str, PrunableLayers], num_layers: int) -> None:
    """Check that ``num_layers`` can be pruned with one layer left in each stage.

    Raises:
        ConfigError: If not.
    """
    total = sum(len(stage) for stage in stages.values())
    most = total - len(stages)
    if not 0 <= num_layers <= most:
        sizes = ", ".join(f"{len(stage)} {name}" for name, stage in stages.items())
        raise ConfigError(
            f"num_layers={num_layers} cannot be pruned: of {total} layers ({sizes}) each stage keeps one, expected 0 "
            f"to {most}"
        )


def least_important(stages: Mapping[str, PrunableLayers], num_layers: int) -> dict[str, list[int]]:
    """Choose the layers to prune, over all stages together.

    Pruned layers take part with their originals. Of equal layers the earlier goes first. A stage's last layer stays,
    and the next in order goes in its place.

    Args:
        stages: Lists of layers by name.
        num_layers: How many to choose.

    Returns:
        Indices by stage, ascending; the same on every process that holds the same weights.

    Raises:
        ConfigError: If so many cannot go with one layer left in each stage.
    """
    check_num_layers(stages, num_layers)
    ranking = sorted(
        ((name, index) for name, stage in stages.items() for index in range(len(stage))),
        key=lambda place: layer_importance(stages[place[0]][place[1]]),
    )  # stable: ties stay in order
    chosen: dict[str, list[int]] = {name: [] for name in stages}
    for name, index in ranking:
        if sum(map(len, chosen.values())) < num_layers and len(chosen[name]) < len(stages[name]) - 1:
            chosen[name].append(index)
    return {name: sorted(indices) for name, indices in chosen.items()}


def prune(model: nn.Module, num_layers: int) -> dict[str, list[int]]:
    """Prune the ``num_layers`` least important layers; all others run, with their exact weights.

    Args:
        model: A backbone with ``prunable_stages``, or a model that holds exactly one.
        num_layers: Total of pruned layers after the call.

    Returns:
        Indices of the pruned layers by stage.

    Raises:
        ConfigError: If there is nothing to prune, or too few layers.
    """
    stages = prunable_stages(model)
    chosen = least_important(stages, num_layers)
    for name, stage in stages.items():
        stage.set_pruned(chosen[name])
    return chosen


def restore(model: nn.Module) -> None:
    """Let all layers run again, with the weights they had when they were pruned."""
    for stage in prunable_stages(model).values():
        stage.set_pruned(())


def strip(model: nn.Module) -> dict[str, list[int]]:
    """Remove the pruned layers of a backbone whose stages run one after another; its outputs stay the same.

    Returns:
        Former indices of the layers that are left, by stage.

    Raises:
        ConfigError: If one of the backbone's ``out_indices`` has no equal among the layers that are left.
    """
    backbone = find_prunable(model)
    stages = backbone.prunable_stages()
    if hasattr(backbone, "out_indices"):
        pruned = [stage.is_pruned(index) for stage in stages.values() for index in range(len(stage))]
        backbone.out_indices = strip_out_indices(backbone.out_indices, pruned)
    return {name: stage.strip() for name, stage in stages.items()}


def strip_out_indices(out_indices: Sequence[int], pruned: Sequence[bool]) -> tuple[int, ...]:
    """Find the ``out_indices`` of a stripped backbone that give the same maps.

    Args:
        out_indices: Layers before, counted over all stages; negative counts from the end.
        pruned: Flags of all layers before.

    Returns:
        For each, the last remaining layer up to it, counted over those that are left.

    Raises:
        ConfigError: If no layer up to it remains, or if only later layers are pruned, so that it would become the last,
            whose output is normalised.
    """
    found = []
    for index in out_indices:
        last = index % len(pruned)
        new = sum(not flag for flag in pruned[: last + 1]) - 1
        if new < 0:
            raise ConfigError(f"out_indices has {index}, but layers 0 to {last} are all pruned; choose a later one")
        if last < len(pruned) - 1 and all(pruned[last + 1 :]):
            raise ConfigError(
                f"out_indices has {index}, but all later layers are pruned: it would become the last, whose output is "
                "normalised; choose an earlier one, or -1"
            )
        found.append(new)
    return tuple(found)


def strip_state_dict(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, list[int]]]:
    """Remove the pruned layers from a state dict and number the others anew.

    A backbone that takes the result is built with as many layers a stage as are left: for SST
    ``arch=dict(…, spatial_layers=…, spectral_layers=…)``, for ``out_indices`` see :func:`strip_out_indices`.

    Args:
        state: State dict of a model with :class:`~mmhsi.models.layers.prunable.PrunableLayers`.

    Returns:
        The new state dict, and the former indices of the layers that are left by the list's path, such as
        ``{'backbone.spatial_layers': [1, 2]}``.
    """
    kept = {key: (~flags).nonzero().flatten().tolist() for key, flags in stage_flags(state).items()}
    stripped: dict[str, Tensor] = {}
    for key, value in state.items():
        path = next((path for path in kept if key.startswith(f"{path}.")), None)
        if path is None:
            stripped[key] = value
            continue
        index, _, rest = key[len(path) + 1 :].partition(".")
        if index == "pruned":
            stripped[key] = value.new_zeros(len(kept[path]))
        elif int(index) in kept[path]:
            stripped[f"{path}.{kept[path].index(int(index))}.{rest}"] = value
    return stripped, kept


def stage_flags(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Flags of pruned layers in a state dict, by the path of their list."""
    return {key.removesuffix(".pruned"): flags for key, flags in state.items() if key.endswith(".pruned")}
