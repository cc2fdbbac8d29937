"""Pretrained weights for a model of other bands or another position grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.logging import print_log
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.io.wavelengths import check_nanometres
from mmhsi.registry import WEIGHT_INITIALIZERS

from ..embeddings import embedding_of
from ..protocols import AdaptableModel, BandedBackbone, PrunableBackbone, ResamplingBackbone
from ..pruning import pruned_prefixes
from .checkpoint import check_tensors, check_weight, read_checkpoint, strip_prefix
from .families import WEIGHTS
from .input_spec import checkpoint_spec
from .layouts import translate
from .public_encoder import LAYERS, named_weights, weights_file
from .spectral_weights import resample_band_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

INPUT_LAYER = ("refuse", "reinit", "interpolate")


@dataclass
class LoadReport:
    """What became of a checkpoint's weights.

    Attributes:
        loaded: Keys taken over as they are.
        adapted: Keys fitted to other bands or positions.
        new: Keys of the model that keep their initial values.
        unused: Keys of the checkpoint that the model has no place for.
    """

    loaded: list[str] = field(default_factory=list)
    adapted: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def named(keys: list[str]) -> str:
            return f"{len(keys)}" + (f" ({', '.join(keys[:4])}{', …' if len(keys) > 4 else ''})" if keys else "")

        return (
            f"{len(self.loaded)} loaded, adapted {named(self.adapted)}, new {named(self.new)}, "
            f"unused {named(self.unused)}"
        )


def transfer_weights(
    module: nn.Module,
    path: str | Path,
    prefix: str = "",
    input_layer: str = "refuse",
    wavelengths: Sequence[float] | None = None,
    source_wavelengths: Sequence[float] | None = None,
) -> LoadReport:
    """Load pretrained weights into a backbone, whatever sensor they were trained on.

    Those of public vision transformers, under MAE's, timm's, DINOv2's or mmpretrain's names, are translated first
    (:func:`mmhsi.models.weights.layouts.translate`).

    Args:
        module: Backbone. A :class:`~mmhsi.models.protocols.BandedBackbone` names the weights that depend on the bands,
            a :class:`~mmhsi.models.protocols.ResamplingBackbone` fits them where they are no plain weights a band, an
            :class:`~mmhsi.models.protocols.AdaptableModel` fits others, such as position tables.
        path: Checkpoint.
        prefix: Part of the checkpoint to use, e.g. ``'backbone.'``.
        input_layer: What happens to weights over another number of bands: ``'refuse'``, an error; ``'reinit'``, they
            keep their initial values (IMAE paper §2.5); ``'interpolate'``, they are resampled along wavelength
            (:func:`mmhsi.models.weights.resample_band_weights`), also where the number of bands is the same.
        wavelengths: Centres of the model's bands in nm, for ``'interpolate'``.
        source_wavelengths: Centres of the checkpoint's bands in nm; default: those in the checkpoint's metadata.

    Returns:
        The report.

    Raises:
        FileFormatError: If the file cannot be read.
        ConfigError: If nothing fits, positions, embedding or layers are of another kind, a layer of the backbone or its
            last norm finds nothing, wavelengths are missing or not in nm, or a shape differs and may not be adapted.
    """
    if input_layer not in INPUT_LAYER:
        raise ConfigError(f"input_layer={input_layer!r} is unknown, expected one of {', '.join(INPUT_LAYER)}")
    checkpoint = read_checkpoint(path)
    state = strip_prefix(checkpoint["state_dict"], prefix)
    check_tensors(f"checkpoint {path}", state)
    state = translate(state)
    own = module.state_dict()
    if not own.keys() & state.keys():
        under = f" under {prefix!r}" if prefix else ""
        raise ConfigError(f"checkpoint {path}: nothing{under} fits {type(module).__name__}; is it of another model?")
    theirs, ours = embedding_of(state), embedding_of(own)
    if input_layer == "reinit" and theirs and ours and theirs[0] != ours[0]:
        state = {key: value for key, value in state.items() if not key.startswith("patch_embed.")}
    refuse_other_kinds(own, state, path)
    source = source_wavelengths
    if input_layer == "interpolate" and source is None and "dataset_meta" in checkpoint["meta"]:
        source = checkpoint_spec(checkpoint, path).model_wavelengths
    if input_layer == "interpolate" and (wavelengths is None or source is None):
        lacking = "wavelengths (of the model's bands)" if wavelengths is None else "source_wavelengths"
        raise ConfigError(f"checkpoint {path}: input_layer='interpolate' needs {lacking} in nm")

    for name, centres in (("wavelengths", wavelengths), ("source_wavelengths", source)):
        if input_layer == "interpolate" and centres is not None:
            check_nanometres(f"checkpoint {path}", name, centres)
    axes = module.band_axes() if isinstance(module, BandedBackbone) else {}
    report = LoadReport(unused=sorted(state.keys() - own.keys()))
    found: dict[str, Tensor] = {}
    for key, value in own.items():
        if key not in state:
            report.new.append(key)
            continue
        given = state[key]
        check_weight(f"checkpoint {path}: {prefix}{key}", given, value)
        if key in axes and input_layer == "interpolate" and wavelengths is not None and source is not None:
            if isinstance(module, ResamplingBackbone):
                given = module.resample_bands(key, given, source, wavelengths)
            else:
                given = resample_band_weights(given, axes[key], source, wavelengths)
        elif given.shape != value.shape and key in axes and input_layer == "reinit":
            report.new.append(key)
            continue
        elif isinstance(module, AdaptableModel):
            given = module.adapt_weight(key, given, state)
        if given.shape != value.shape:
            hint = "; input_layer='reinit' or 'interpolate' carries weights over to other bands" if key in axes else ""
            raise ConfigError(
                f"checkpoint {path}: {prefix}{key} has shape {tuple(state[key].shape)}, the model expects "
                f"{tuple(value.shape)}{hint or '; do patch size and width agree?'}"
            )
        found[key] = given
        (report.loaded if given is state[key] else report.adapted).append(key)
    refuse_lost_layers(module, found, state, path)
    module.load_state_dict(found, strict=False)
    print_log(f"{path} into {type(module).__name__}: {report}", logger="current")
    return report


def refuse_other_kinds(own: dict[str, Tensor], state: dict[str, Tensor], path: str | Path) -> None:
    """Check that positions, embedding and layers of a checkpoint are of the model's kinds, where both have some.

    Args:
        own: The model's weights.
        state: The checkpoint's.
        path: The checkpoint.

    Raises:
        ConfigError: If one has a table of positions and the other rotary ones, embeddings differ, or a layer has
            weights that the model's has not, or lacks a part or a LayerScale of it.
    """
    kinds = {
        "pos_embed": "a table of positions (pos_embed='sincos' or 'learned')",
        "rotary.periods": "rotary positions (pos_embed='rotary')",
    }
    theirs, ours = ([kind for key, kind in kinds.items() if key in weights] for weights in (state, own))
    if theirs and ours and theirs != ours:
        raise ConfigError(f"checkpoint {path}: is of {theirs[0]}, the model has {ours[0]}")
    given, wanted = embedding_of(state), embedding_of(own)
    if given and wanted and given[0] != wanted[0]:
        raise ConfigError(
            f"checkpoint {path}: is of embedding={given[0]!r}, the model of {wanted[0]!r}; input_layer='reinit' begins "
            "a new one"
        )
    if given and wanted and given[0] == wanted[0] != "fixed":
        differ = {key for key in state.keys() ^ own.keys() if key.startswith("patch_embed.")}
        if differ:
            place = "the model" if min(differ) in own else "the checkpoint"
            raise ConfigError(
                f"checkpoint {path}: is of another kind of embedding={given[0]!r}: {place} alone has {min(differ)}"
            )
    has, needs = parts_of_layers(state), parts_of_layers(own)
    for layer in has.keys() & needs.keys():
        more = has[layer] - needs[layer]
        known = {key.partition(".")[0] for key in has[layer]}
        lost = {key for key in needs[layer] - has[layer] if "gamma" in key or key.partition(".")[0] not in known}
        if more or lost:
            wrong = f"has {min(more)}, for which the model has no place" if more else f"lacks {min(lost)} of the model"
            raise ConfigError(f"checkpoint {path}: {layer} {wrong}; do ffn_type and layer_scale_init_value agree?")


def parts_of_layers(state: dict[str, Tensor]) -> dict[str, set[str]]:
    """Names of the weights of each layer, by the layer's.

    Args:
        state: A state dict.
    """
    found: dict[str, set[str]] = {}
    for key in state:
        match = LAYERS.match(key)
        if match is not None:
            found.setdefault(match[0][:-1], set()).add(key[match.end() :])
    return found


def refuse_lost_layers(module: nn.Module, found: dict[str, Tensor], state: dict[str, Tensor], path: str | Path) -> None:
    """Check that every layer of a backbone, and the norm after the last, was given something.

    Args:
        module: The backbone; others than a :class:`~mmhsi.models.protocols.PrunableBackbone` are not checked.
        found: Weights that it is given.
        state: The checkpoint's, whose pruned layers may have none.
        path: The checkpoint.

    Raises:
        ConfigError: If one was given nothing.
    """
    if not isinstance(module, PrunableBackbone):
        return
    stages = [*module.prunable_stages().values()]
    layers = [
        f"{name}.{index}."
        for name, child in module.named_modules()
        for stage in stages
        if child is stage
        for index in range(len(stage))
    ]
    layers += [f"{name}." for name, child in module.named_children() if isinstance(child, nn.LayerNorm)]
    own, gone = module.state_dict(), pruned_prefixes(state)
    lost = [
        layer[:-1]
        for layer in layers
        if not layer.startswith(gone or ("\0",))
        and any(key.startswith(layer) for key in own)
        and not any(key.startswith(layer) for key in found)
    ]
    if lost:
        raise ConfigError(
            f"checkpoint {path}: nothing for {len(lost)} of {len(layers)} layers of {type(module).__name__} ({lost[0]}"
            f"{', …' if len(lost) > 1 else ''}), though other weights fit; is it of another model or of fewer layers? "
            f"It has {', '.join(sorted(state)[:3])}, …"
        )


@WEIGHT_INITIALIZERS.register_module(name="Pretrained")
class PretrainedInit:
    """``init_cfg=dict(type='Pretrained', checkpoint=…, prefix='backbone.')`` under scope mmhsi.

    Takes the place of mmengine's initializer of that name, which skips weights of another shape without an error.

    Args:
        checkpoint: File.
        prefix: Part of the checkpoint to use. Default: all of it.
        input_layer: See :func:`transfer_weights`. Default ``'refuse'``.
        wavelengths: Centres of the model's bands in nm.
        source_wavelengths: Centres of the checkpoint's bands in nm; default: those in its metadata.
    """

    def __init__(
        self,
        checkpoint: str,
        prefix: str = "",
        input_layer: str = "refuse",
        wavelengths: Sequence[float] | None = None,
        source_wavelengths: Sequence[float] | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.input_layer = input_layer
        self.wavelengths = wavelengths
        self.source_wavelengths = source_wavelengths

    def __call__(self, module: nn.Module) -> None:
        """Load into ``module``.

        Raises:
            ConfigError: If weights that a config names are not there: how to get them.
        """
        name = Path(self.checkpoint).stem
        if name in WEIGHTS and Path(self.checkpoint) == weights_file(name):
            named_weights(name)
        transfer_weights(
            module, self.checkpoint, self.prefix, self.input_layer, self.wavelengths, self.source_wavelengths
        )
