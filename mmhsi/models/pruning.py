"""Layer pruning by magnitude (LO-SST paper §3.2).

The paper sets the parameters of the least important layers to zero, which makes a residual layer the identity, and
stores the originals. Here a pruned layer is passed over instead: the same output, faster, and the originals stay in the
layer, frozen, until :func:`restore`, or until :func:`strip` removes them for deployment.

Any backbone can be pruned that keeps its residual layers in :class:`~mmhsi.models.layers.prunable.PrunableLayers` and
names them: a :class:`~mmhsi.models.protocols.PrunableBackbone`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError

from .protocols import PrunableBackbone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from .layers.prunable import PrunableLayers


def prunable_stages(model: nn.Module) -> dict[str, PrunableLayers]:
    """Lists of layers that may be pruned, by the stage's name, of the one module in ``model`` that has some.

    Args:
        model: The model, or the module itself.

    Raises:
        ConfigError: If there is none, or more than one.
    """
    # Asked of the class: FSDP's wrapper passes attributes of what it wraps on, and would count too.
    found = {name: module for name, module in model.named_modules() if issubclass(type(module), PrunableBackbone)}
    if not found:
        raise ConfigError(f"{type(model).__name__} has no backbone with layers to prune, such as SST")
    if len(found) > 1:
        raise ConfigError(
            f"{type(model).__name__} has {len(found)} modules with layers to prune; choose one: {', '.join(found)}"
        )
    (owner,) = found.values()
    return owner.prunable_stages()


def layer_importance(layer: nn.Module) -> float:
    """Mean of the absolute values of all parameters of a layer (LO-SST paper, eq. 2).

    Args:
        layer: The layer.
    """
    total = sum(parameter.detach().abs().double().sum() for parameter in layer.parameters())
    return float(total) / max(count_parameters(layer), 1)


def count_parameters(layer: nn.Module) -> int:
    """Number of values in all parameters of a layer.

    Args:
        layer: The layer.
    """
    return sum(parameter.numel() for parameter in layer.parameters())


def check_num_layers(stages: Mapping[str, PrunableLayers], num_layers: int) -> None:
    """Check that ``num_layers`` can be pruned with one layer left in each stage.

    Args:
        stages: By name.
        num_layers: How many are to be pruned.

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
        model: A :class:`~mmhsi.models.protocols.PrunableBackbone`, or a model that holds exactly one.
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
    """Let all layers run again, with the weights they had when they were pruned.

    Args:
        model: Changed in place.
    """
    for stage in prunable_stages(model).values():
        stage.set_pruned(())


def strip(model: nn.Module) -> None:
    """Drop the parameters of the pruned layers for good; the outputs stay the same.

    Args:
        model: Changed in place.
    """
    for stage in prunable_stages(model).values():
        stage.strip()


def strip_state_dict(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the pruned layers from a state dict.

    The flags stay, so that the model of the same config loads the result and passes over what is gone.

    Args:
        state: State dict of a model with :class:`~mmhsi.models.layers.prunable.PrunableLayers`.

    Returns:
        The smaller state dict.
    """
    gone = pruned_prefixes(state)
    return {key: value for key, value in state.items() if not key.startswith(gone)}


def pruned_prefixes(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What the keys of pruned layers begin with in a state dict, such as ``'backbone.spatial_layers.2.'``.

    Args:
        state: A state dict.
    """
    flags = {key.removesuffix("pruned"): value for key, value in state.items() if key.endswith(".pruned")}
    return tuple(f"{path}{index}." for path, pruned in flags.items() for index in pruned.nonzero().flatten().tolist())
