"""An encoder that somebody has pretrained, recognised by its weights."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.registry import DefaultScope

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError
from mmhsi.models.backbones.vit_arch import ARCHS
from mmhsi.models.weights import named_weights, read_checkpoint, transfer_weights
from mmhsi.models.weights.checkpoint import strip_prefix
from mmhsi.models.weights.families import WEIGHTS
from mmhsi.models.weights.input_spec import checkpoint_spec
from mmhsi.models.weights.layouts import translate
from mmhsi.registry import MODELS

from .candidates import Candidate

if TYPE_CHECKING:
    from torch import Tensor

    from mmhsi.spec import InputSpec

EMBEDDING = "patch_embed.projection.weight"
CONFIG = "mmhsi::mae/mae-ft_hsi-vit-tiny-p3.py"
"""Config by which an encoder is fine-tuned."""

LEAST_WINDOW = 9


def encoder_weights(path: str | Path) -> tuple[str, dict[str, Tensor]]:
    """Where a vision transformer's weights stand in a checkpoint, and those weights under HSIViT's names.

    Args:
        path: The checkpoint; nothing in it is run.

    Raises:
        ConfigError: If it holds no encoder of this layout.
        FileFormatError: If it cannot be read.
    """
    state = read_checkpoint(path)["state_dict"]
    for prefix in ("backbone.", ""):
        found = translate(strip_prefix(state, prefix))
        if EMBEDDING in found and any(re.match(r"layers\.\d+\.", key) for key in found):
            return prefix, found
    raise ConfigError(
        f"pretrained {path}: holds no encoder of HSIViT's layout ({EMBEDDING}, layers.0. …), as MAE, DINOv2 and timm "
        f"have it; it has {', '.join(sorted(state)[:3])}, …"
    )


def pretrained_candidate(path: str | Path) -> Candidate:
    """The candidate that starts from an encoder.

    Args:
        path: Its checkpoint, or the name of public weights (``mmhsi weights list``).

    Raises:
        ConfigError: If it holds no encoder of this layout, or named weights are not there or of certain bands.
        FileFormatError: If it cannot be read.
    """
    if str(path) in WEIGHTS:
        if WEIGHTS[str(path)].backbone["type"] != "HSIViT":
            raise ConfigError(
                f"pretrained {path}: is of certain bands, or of bands by their number; use it in a config, as "
                f"backbone=dict(pretrained={str(path)!r})"
            )
        named_weights(str(path))
        patch = WEIGHTS[str(path)].backbone["patch_size"]
    else:
        if not (Path(path).suffix or Path(path).exists()):
            raise ConfigError(f"pretrained {path}: no such file or public weights{nearest(str(path), WEIGHTS)}")
        patch = _sizes(path)["patch_size"]
    window = max(LEAST_WINDOW, 3 * patch)
    return Candidate("pretrained encoder", config=CONFIG, sees="spectra", window=window, pretrained=str(path))


def check_encoder(path: str | Path, spec: InputSpec) -> None:
    """Load an encoder once for a scene's bands, so that what does not fit is said before work starts.

    Args:
        path: Its checkpoint.
        spec: What the network is given.

    Raises:
        ConfigError: If its weights do not fit.
    """
    config = encoder_config(path, spec)
    start = config.pop("init_cfg")
    with DefaultScope.overwrite_default_scope("mmhsi"):
        backbone = MODELS.build({**config, "in_channels": spec.num_bands})
    options = {name: value for name, value in start.items() if name not in ("type", "checkpoint")}
    transfer_weights(backbone, **options, path=start["checkpoint"])


def encoder_config(path: str | Path, spec: InputSpec) -> dict[str, Any]:
    """Config of the backbone that an encoder's weights fit, which loads them.

    Of another number of bands, or of bands elsewhere, the first layer is interpolated along the wavelengths where both
    are known, and begins anew where they are not. Encoders of any bands take the scene's.

    Args:
        path: Its checkpoint, or the name of public weights.
        spec: What the network is given.

    Raises:
        ConfigError: If named weights are not there, or take wavelengths that the scene does not know.
    """
    if str(path) in WEIGHTS:
        if spec.model_wavelengths is None:
            raise ConfigError(f"pretrained {path}: takes the bands' wavelengths, which the scene does not know")
        config = copy.deepcopy(WEIGHTS[str(path)].backbone)
        start: dict[str, Any] = dict(type="Pretrained", checkpoint=str(named_weights(str(path))), prefix="backbone.")
        return {**config, "wavelengths": list(spec.model_wavelengths), "init_cfg": start}
    prefix, state = encoder_weights(path)
    checkpoint = read_checkpoint(path)
    known = checkpoint_spec(checkpoint, path).model_wavelengths if checkpoint["meta"].get("dataset_meta") else None
    layer = "refuse"
    if known is not None and spec.model_wavelengths is not None and known != spec.model_wavelengths:
        layer = "interpolate"
    elif state[EMBEDDING].shape[1] != spec.num_bands:
        layer = "reinit"
    start = dict(type="Pretrained", checkpoint=str(path), prefix=prefix, input_layer=layer)
    if layer == "interpolate":
        start["wavelengths"] = list(spec.model_wavelengths or ())
    return {**_sizes(path), "init_cfg": start}


def input_layer(path: str | Path, spec: InputSpec) -> str:
    """What becomes of an encoder's first layer, in words.

    Args:
        path: Its checkpoint, or the name of public weights.
        spec: What the network is given.
    """
    if str(path) in WEIGHTS:
        return "it takes any bands by their wavelengths"
    said = {
        "refuse": "its first layer was taken as it is",
        "interpolate": "its first layer was interpolated along the wavelengths",
        "reinit": "its first layer began anew: the encoder has other bands, of unknown wavelengths on one side or both",
    }
    return said[encoder_config(path, spec)["init_cfg"]["input_layer"]]


def _sizes(path: str | Path) -> dict[str, Any]:
    """Arguments of HSIViT that its weights tell."""
    _, state = encoder_weights(path)
    width, _, patch, other = state[EMBEDDING].shape
    depth = 1 + max(int(found[1]) for key in state if (found := re.match(r"layers\.(\d+)\.", key)))
    arch = next((name for name, one in ARCHS.items() if (one["embed_dims"], one["num_layers"]) == (width, depth)), None)
    if arch is None or patch != other:
        known = ", ".join(f"{name} ({one['embed_dims']}, {one['num_layers']})" for name, one in ARCHS.items())
        raise ConfigError(
            f"pretrained {path}: an encoder of width {width} and {depth} layers, patches of {patch} x {other}; "
            f"expected one of {known} with square patches"
        )
    made: dict[str, Any] = dict(type="HSIViT", arch=arch, patch_size=int(patch))
    if "registers" in state:
        made["num_registers"] = int(state["registers"].shape[1])
    if any(".w12." in key for key in state):
        made["ffn_type"] = "swiglu_fused"
    if any("gamma" in key for key in state):
        made["layer_scale_init_value"] = 0.1
    return made
