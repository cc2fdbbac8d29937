"""An encoder that somebody has pretrained, recognised by its weights."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.registry import DefaultScope

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError
from mmhsi.models.backbones.vit_arch import ARCHS
from mmhsi.models.embeddings import embedding_of
from mmhsi.models.weights import check_tensors, named_weights, read_checkpoint, transfer_weights
from mmhsi.models.weights.checkpoint import strip_prefix
from mmhsi.models.weights.families import WEIGHTS, family_of
from mmhsi.models.weights.input_spec import checkpoint_spec
from mmhsi.models.weights.layouts import translate
from mmhsi.registry import MODELS

from .candidates import Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmhsi.models.weights.families import PublicWeights
    from mmhsi.spec import InputSpec

CONFIG = "mmhsi::mae/mae-ft_hsi-vit-tiny-p3.py"
"""Config by which an encoder is fine-tuned."""

LEAST_WINDOW = 9
PREFIXES = ("backbone.", "teacher.backbone.", "")
"""What an encoder's weights begin with in checkpoints of ours, of our DINOv2, and of others."""


@dataclass(frozen=True)
class Encoder:
    """An encoder, and how its file is read.

    Attributes:
        given: What a person named it by: a checkpoint, or public weights.
        file: Its checkpoint.
        prefix: What its weights begin with there.
        config: Of the backbone that they fit, without bands.
        bands: Bands that its first layer takes; None of any.
        wavelengths: Centres in nm of these; None where they are not known, or of any bands.
    """

    given: str
    file: Path
    prefix: str
    config: dict[str, Any]
    bands: int | None
    wavelengths: tuple[float, ...] | None

    @classmethod
    def of(cls, given: str | Path) -> Encoder:
        """Recognise one.

        Args:
            given: Its checkpoint, of which nothing is run, or the name of public weights (``mmhsi weights list``).

        Raises:
            ConfigError: If it holds no encoder of this layout, or named weights are not there or of another backbone.
            FileFormatError: If it cannot be read.
        """
        name = str(given)
        if name in WEIGHTS and WEIGHTS[name].backbone["type"] != "HSIViT":
            raise ConfigError(
                f"pretrained {name}: is of certain bands, or of bands by their number; use it in a config, as "
                f"backbone=dict(pretrained={name!r})"
            )
        if name not in WEIGHTS and not (Path(given).suffix or Path(given).exists()):
            raise ConfigError(f"pretrained {name}: no such file or public weights{nearest(name, WEIGHTS)}")
        file = named_weights(name) if name in WEIGHTS else Path(given)
        checkpoint = read_checkpoint(file)
        prefix, state = _weights(checkpoint["state_dict"], name)
        known = WEIGHTS.get(name) or WEIGHTS.get(str(checkpoint["meta"].get("public")))
        config = copy.deepcopy(known.backbone) if known else _config(state, name)
        if config.get("embedding", "fixed") != "fixed":
            return cls(name, file, prefix, config, None, None)
        wavelengths = None
        if checkpoint["meta"].get("dataset_meta"):
            wavelengths = checkpoint_spec(checkpoint, file).model_wavelengths
        return cls(name, file, prefix, config, state["patch_embed.projection.weight"].shape[1], wavelengths)

    def input_layer(self, spec: InputSpec) -> str:
        """What becomes of the first layer of certain bands, as ``init_cfg`` has it.

        Of another number of bands, or of bands elsewhere, it is interpolated along the wavelengths where both are
        known, and begins anew where they are not.

        Args:
            spec: What the network is given.
        """
        if None not in (self.wavelengths, spec.model_wavelengths) and self.wavelengths != spec.model_wavelengths:
            return "interpolate"
        return "refuse" if self.bands == spec.num_bands else "reinit"

    def for_scene(self, spec: InputSpec) -> dict[str, Any]:
        """Config of the backbone for a scene, which loads the weights.

        Args:
            spec: What the network is given.

        Raises:
            ConfigError: If it takes wavelengths that the scene does not know.
        """
        start: dict[str, Any] = dict(type="Pretrained", checkpoint=str(self.file), prefix=self.prefix)
        if self.bands is None:
            if spec.model_wavelengths is None:
                raise ConfigError(
                    f"pretrained {self.given}: takes the bands' wavelengths, which the scene does not know; in Python "
                    "fit(…, scene=dict(wavelengths=[…])) gives them in nm"
                )
            return {**self.config, "wavelengths": list(spec.model_wavelengths), "init_cfg": start}
        start["input_layer"] = self.input_layer(spec)
        if start["input_layer"] == "interpolate":
            start["wavelengths"] = list(spec.model_wavelengths or ())
        return {**self.config, "init_cfg": start}


def pretrained_candidate(given: str | Path) -> Candidate:
    """The candidate that starts from an encoder.

    Args:
        given: Its checkpoint, or the name of public weights; for errors see :meth:`Encoder.of`.
    """
    window = max(LEAST_WINDOW, 3 * Encoder.of(given).config["patch_size"])
    return Candidate("pretrained encoder", config=CONFIG, sees="spectra", window=window, pretrained=str(given))


def check_encoder(given: str | Path, spec: InputSpec) -> str:
    """Load an encoder once for a scene's bands, so that what does not fit is said before work starts.

    Args:
        given: Its checkpoint, or the name of public weights.
        spec: What the network is given.

    Returns:
        What becomes of its first layer, in words.

    Raises:
        ConfigError: If its weights do not fit.
    """
    encoder = Encoder.of(given)
    config = encoder.for_scene(spec)
    start = config.pop("init_cfg")
    with DefaultScope.overwrite_default_scope("mmhsi"):
        backbone = MODELS.build({**config, "in_channels": spec.num_bands})
    options = {name: value for name, value in start.items() if name not in ("type", "checkpoint")}
    transfer_weights(backbone, **options, path=start["checkpoint"])
    if encoder.bands is None:
        return "it takes any bands by their wavelengths"
    said = {
        "refuse": "its first layer was taken as it is",
        "interpolate": "its first layer was interpolated along the wavelengths",
        "reinit": "its first layer began anew: the encoder has other bands, of unknown wavelengths on one side or both",
    }
    return said[start["input_layer"]]


def encoder_config(given: str | Path, spec: InputSpec) -> dict[str, Any]:
    """Config of the backbone that an encoder's weights fit, which loads them.

    Args:
        given: Its checkpoint, or the name of public weights.
        spec: What the network is given; for errors see :meth:`Encoder.for_scene`.
    """
    return Encoder.of(given).for_scene(spec)


def _tells_all(weights: PublicWeights) -> bool:
    """Whether the backbone of public weights is told by the weights alone."""
    return weights.backbone["type"] == "HSIViT" and "embedding" not in weights.backbone


def _weights(state: Mapping[str, Any], given: str) -> tuple[str, dict[str, Tensor]]:
    """Where a vision transformer's weights stand in a checkpoint, and those weights under HSIViT's names."""
    for prefix in PREFIXES:
        part = strip_prefix(dict(state), prefix)
        check_tensors(f"pretrained {given}", part)
        family = family_of(part)
        if family is not None and not any(_tells_all(weights) for weights in family.weights):
            names = ", ".join(weights.name for weights in family.weights)
            how = f"first mmhsi weights convert NAME {given}, where NAME is one of {names}, then pretrained=NAME"
            published = f"pretrained {given}: weights of {family.name} as they are published"
            raise ConfigError(f"{published}; {how if names else 'no encoder of this layout'}")
        found = translate(part)
        if embedding_of(found) and any(re.match(r"layers\.\d+\.", key) for key in found):
            return prefix, found
    raise ConfigError(
        f"pretrained {given}: holds no encoder of HSIViT's layout (patch_embed.…, layers.0.…), as MAE, DINOv2 and "
        f"timm have it; it has {', '.join(sorted(state)[:3])}, …"
    )


def _config(state: Mapping[str, Tensor], given: str) -> dict[str, Any]:
    """Arguments of HSIViT that its weights tell."""
    embedding = embedding_of(state)
    assert embedding is not None
    name, patch = embedding
    width = len(next((value for key, value in state.items() if key.endswith("ln1.weight")), ()))
    depth = 1 + max(int(found[1]) for key in state if (found := re.match(r"layers\.(\d+)\.", key)))
    arch = next((name for name, one in ARCHS.items() if (one["embed_dims"], one["num_layers"]) == (width, depth)), None)
    if arch is None or patch is None:
        known = ", ".join(f"{name} ({one['embed_dims']}, {one['num_layers']})" for name, one in ARCHS.items())
        raise ConfigError(
            f"pretrained {given}: an encoder of width {width} and {depth} layers, patches of "
            f"{'two sides' if patch is None else patch}; expected one of {known} with square patches"
        )
    made: dict[str, Any] = dict(type="HSIViT", arch=arch, patch_size=patch)
    if name != "fixed":
        made["embedding"] = name
    if "rotary.periods" in state:
        made["pos_embed"] = "rotary"
    if "registers" in state:
        made["num_registers"] = int(state["registers"].shape[1])
    if any(".w12." in key for key in state):
        made["ffn_type"] = "swiglu_fused"
    if any("gamma" in key for key in state):
        made["layer_scale_init_value"] = 0.1
    return made
