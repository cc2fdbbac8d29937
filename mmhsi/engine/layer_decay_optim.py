"""Optimiser groups of vision transformers: layer-wise learning rates, no decay of what has one dimension."""

from __future__ import annotations

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from mmhsi.models.protocols import LayeredBackbone, check_protocol
from mmhsi.registry import OPTIM_WRAPPER_CONSTRUCTORS

INPUT_LAYERS = ("patch_embed.", "spectral_embed.")
LAST_LAYER = ".last_layer."
NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """As mmpretrain's constructor of learning rates by layer, with DINOv2's slower input layers and few groups.

    Parameters with equal settings share a group, so that the optimiser's foreach implementation can batch them. Those
    of the heads' last layer, the prototypes, are in groups of their own with ``last_layer=True``.

    ``paramwise_cfg`` takes mmpretrain's ``layer_decay_rate``, ``norm_decay_mult``, ``bias_decay_mult``,
    ``flat_decay_mult`` and ``custom_keys``, and ``patch_embed_lr_mult``, the factor of the learning rates of patch and
    spectral embedding. Default 1; DINOv2 takes 0.2.
    """

    def add_params(self, params: list[dict], module: nn.Module, **kwargs: object) -> None:
        """Fill the list of groups.

        Args:
            params: The groups, empty; filled in place.
            module: The model, with a ``get_layer_depth``.
            **kwargs: What mmengine hands over besides; not looked at.

        Raises:
            ConfigError: If the model does not tell how deep its parameters lie.
        """
        layered = check_protocol("learning rates by layer", module, LayeredBackbone)
        groups: dict[tuple, dict] = {}
        for prefix, part in module.named_modules():
            for name, parameter in part.named_parameters(recurse=False):
                if not parameter.requires_grad:
                    continue
                full_name = f"{prefix}.{name}" if prefix else name
                depth, deepest = layered.get_layer_depth(full_name)
                scale = self.paramwise_cfg.get("layer_decay_rate", 1.0) ** (deepest - depth - 1)
                settings = self._decay(part, name, full_name, parameter.ndim)
                settings.update(lr=self.base_lr * scale, lr_scale=scale, layer_id=depth)
                if any(layer in full_name for layer in INPUT_LAYERS):
                    factor = self.paramwise_cfg.get("patch_embed_lr_mult", 1.0)
                    settings["lr"] *= factor
                    settings["lr_scale"] *= factor
                if LAST_LAYER in full_name:
                    settings["last_layer"] = True
                group = groups.setdefault(tuple(sorted(settings.items())), dict(settings, params=[]))
                group["params"].append(parameter)
        params[:] = groups.values()

    def _decay(self, part: nn.Module, name: str, full_name: str, dimensions: int) -> dict:
        """Weight decay of a parameter and what ``custom_keys`` say of it."""
        if self.base_wd is None:
            return {}
        custom = self.paramwise_cfg.get("custom_keys", {})
        key = next((key for key in sorted(sorted(custom), key=len, reverse=True) if key in full_name), None)
        if key is not None:
            settings = dict(custom[key])
            return {"weight_decay": self.base_wd * settings.pop("decay_mult", 1.0), **settings}
        factors = [
            ("norm_decay_mult", isinstance(part, NORMS)),
            ("bias_decay_mult", name == "bias"),
            ("flat_decay_mult", dimensions == 1),
        ]
        stated = (self.paramwise_cfg.get(option) for option, applies in factors if applies)
        return {"weight_decay": self.base_wd * next((factor for factor in stated if factor is not None), 1.0)}
