"""Optimiser groups of vision transformers: layer-wise learning rates, no decay of what has one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmpretrain.engine.optimizers import LearningRateDecayOptimWrapperConstructor

from mmhsi.registry import OPTIM_WRAPPER_CONSTRUCTORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

INPUT_LAYERS = ("patch_embed.", "spectral_embed.")
LAST_LAYER = ".last_layer."


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(LearningRateDecayOptimWrapperConstructor):
    """mmpretrain's constructor, with DINOv2's slower input layers, and few groups instead of one per parameter.

    Parameters with equal settings share a group, so that the optimiser's foreach implementation can batch them. Those
    of the heads' last layer, the prototypes, are in groups of their own with ``last_layer=True``.

    ``paramwise_cfg`` takes mmpretrain's ``layer_decay_rate``, ``norm_decay_mult``, ``bias_decay_mult``,
    ``flat_decay_mult`` and ``custom_keys``, and ``patch_embed_lr_mult``, the factor of the learning rates of patch and
    spectral embedding. Default 1; DINOv2 takes 0.2.
    """

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = "",
        get_layer_depth: Callable[[str], tuple[int, int]] | None = None,
        optimizer_cfg: dict | None = None,
    ) -> None:
        """Add the parameters of ``module`` to ``params``."""
        super().add_params(params, module, prefix, get_layer_depth)
        if prefix:  # a part of the model
            return
        factor = self.paramwise_cfg.get("patch_embed_lr_mult", 1.0)
        groups: dict[tuple, dict] = {}
        for single in params:
            parameters, name = single.pop("params"), single.pop("param_name")
            if any(layer in name for layer in INPUT_LAYERS):
                single["lr"] *= factor
                single["lr_scale"] *= factor
            if LAST_LAYER in name:
                single["last_layer"] = True
            group = groups.setdefault(tuple(sorted(single.items())), dict(single, params=[]))
            group["params"] += parameters
        params[:] = groups.values()
