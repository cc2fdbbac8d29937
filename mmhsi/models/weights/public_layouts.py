"""Weights of the comparison models' public code, under the names and in the shapes that they have here.

Read and mapped are the names alone; no code of theirs is here or needed.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

LAYER = r"\.layers\.(\d+)"
CLASSIFIER = "head.fc"


class Rule(NamedTuple):
    r"""What becomes of the weights that a pattern finds.

    Attributes:
        pattern: Of the beginning of a public name.
        name: Put in its place, its groups as ``\1`` and so on; None: the weight is unused there, and left out.
        axes: Axes that are kept, those of length 1 behind them dropped; None: all are.
    """

    pattern: str
    name: str | None
    axes: int | tuple[int, ...] | None = None


def transformer(public: str, ours: str) -> list[Rule]:
    """Layers of the implementation that MAEST and ExViT share.

    Args:
        public: Pattern of what its layers' names begin with.
        ours: The same here.
    """
    attention, mlp = f"{public}{LAYER}\\.0\\.fn", f"{public}{LAYER}\\.1\\.fn"
    return [
        Rule(rf"{attention}\.norm\.", rf"{ours}.\1.norm1."),
        Rule(rf"{attention}\.fn\.to_qkv\.", rf"{ours}.\1.attention.qkv."),
        Rule(rf"{attention}\.fn\.to_out\.0\.", rf"{ours}.\1.attention.projection."),
        Rule(rf"{mlp}\.norm\.", rf"{ours}.\1.norm2."),
        Rule(rf"{mlp}\.fn\.net\.", rf"{ours}.\1.mlp."),
    ]


def sstn() -> list[Rule]:
    """zilongzhong/SSTN, ``SSNet_AEAE_*``."""
    rules = [
        Rule(r"layer1\.s1\.", "backbone.stem.", 3),
        Rule(r"layer1\.0\.", "backbone.stem."),
        Rule(r"layer1\.(?:[12]|bn)\.", "backbone.stem_norm."),
        Rule(r"layer4\.", "backbone.reduce."),
        Rule(r"bn4\.", "backbone.reduce_norm."),
        Rule(r"fc\.", f"{CLASSIFIER}."),
    ]
    for spatial, spectral, ours in ((2, 3, "wide"), (5, 6, "narrow")):
        for index in (0, 1):
            public, own = rf"layer{spatial}\.sa{index + 1}\.", f"backbone.{ours}.0.attentions.{index}."
            rules += [Rule(rf"{public}(query|key|value)_conv\.", rf"{own}\1.")]
            rules += [Rule(rf"{public}gamma", f"{own}gate"), Rule(rf"{public}bn\.1\.", f"{own}norm.")]
            mask = rf"layer{spectral}\.convm{2 * index}\."
            rules += [Rule(rf"{mask}weight", f"backbone.{ours}.1.masks.{index}.weight", (0, 2, 3, 4))]
            rules += [Rule(mask, f"backbone.{ours}.1.masks.{index}.")]
            rules += [Rule(rf"layer{spectral}\.bn{index + 1}\.", f"backbone.{ours}.1.norms.{index}.")]
    return rules


def maest() -> list[Rule]:
    """ibanezfd/MAEST, ``VisionTransformerEncoder`` and ``PretrainVisionTransformer``."""
    encoder = r"(?:encoder\.)?"
    return [
        Rule(rf"{encoder}cls_token", "backbone.cls_token"),
        Rule(rf"{encoder}pos_embedding", "backbone.pos_embed"),
        Rule(rf"{encoder}patch_to_embedding\.", "backbone.embed."),
        *transformer(rf"{encoder}transformer", "backbone.layers"),
        Rule(r"transformer\.skipcat\.", "backbone.mixes."),
        Rule(r"(?:encoder|decoder)\.transformer\.skipcat\.", None),
        Rule(rf"{encoder}norm\.", None),
        Rule(r"mlp_head\.0\.", "backbone.norm."),
        Rule(r"mlp_head\.1\.", f"{CLASSIFIER}."),
        Rule(r"encoder_to_decoder\.", "decoder.embed."),
        Rule(r"mask_token", "decoder.mask_token"),
        *transformer(r"decoder\.transformer", "decoder.layers"),
        Rule(r"decoder\.(norm|head)\.", r"decoder.\1."),
    ]


def exvit() -> list[Rule]:
    """jingyao16/ExViT, ``MViT``."""
    return [
        Rule(r"pos_embedding", "backbone.pos_embed"),
        Rule(r"separable1\.", "backbone.streams.0.convolutions."),
        Rule(r"separable2\.", "backbone.streams.1.convolutions."),
        Rule(r"to_patch_embedding2\.", "backbone.streams.0.embed."),
        Rule(r"to_patch_embedding2c\.", "backbone.streams.1.embed."),
        *transformer("transformer1", "backbone.streams.0.layers"),
        *transformer("transformer2", "backbone.streams.1.layers"),
        *transformer("transformer", "backbone.joint"),
        Rule(r"mlp_head0\.", "backbone.weigh."),
        Rule(r"mlp_head1\.0\.", "backbone.norm."),
        Rule(r"mlp_head1\.1\.", f"{CLASSIFIER}."),
    ]


def hit() -> list[Rule]:
    """xiachangxue/DeepHyperX, ``HiT``."""
    rules = [
        Rule(r"network\.2\.proj\.", "backbone.downsample."),
        Rule(r"norm\.", "backbone.norm."),
        Rule(r"head\.", f"{CLASSIFIER}."),
        Rule(r"conv_cls_head\.", None),
    ]
    for index in (0, 1):
        public, own = rf"patch_embed\.proj{index + 1}_1\.", f"backbone.stem.{index}."
        rules += [
            Rule(rf"{public}attention\.fc1\.", f"{own}mix.0.", 2),
            Rule(rf"{public}attention\.fc2\.", f"{own}mix.2.", 2),
            Rule(rf"{public}local\.a\.weight", f"{own}gate.widen.weight", 3),
            Rule(rf"{public}local\.a\.", f"{own}gate.widen."),
            Rule(rf"{public}local\.bn\.", f"{own}gate.norm."),
            Rule(rf"{public}local\.b\.", f"{own}gate.narrow.", 3),
            Rule(rf"{public}weight", f"{own}weight"),
        ]
    for stage, place in enumerate((0, 1, 3, 4)):
        public, own = rf"network\.{place}\.(\d+)\.", rf"backbone.stages.{stage}.\1."
        rules += [
            Rule(rf"{public}norm([12])\.", rf"{own}norm\2."),
            Rule(rf"{public}attn\.conv\.", None),
            Rule(rf"{public}attn\.mlp_c\.0\.", f"{own}permutator.along_width."),
            Rule(rf"{public}attn\.mlp_h\.0\.", f"{own}permutator.along_height."),
            Rule(rf"{public}attn\.mlp_w\.", f"{own}permutator.across."),
            Rule(rf"{public}attn\.reweight\.fc1\.", f"{own}permutator.weigh.0."),
            Rule(rf"{public}attn\.reweight\.fc2\.", f"{own}permutator.weigh.2."),
            Rule(rf"{public}attn\.proj\.", f"{own}permutator.project."),
            Rule(rf"{public}mlp\.fc1\.", f"{own}mlp.0."),
            Rule(rf"{public}mlp\.fc2\.", f"{own}mlp.2."),
        ]
    return rules


def free_net() -> list[Rule]:
    """Z-Zheng/FreeNet, ``FreeNet`` of four levels."""
    rules = [
        Rule(r"feature_ops\.0\.", "backbone.stem."),
        Rule(r"reduce_1x1convs\.", "backbone.laterals."),
        Rule(r"cls_pred_conv\.", "decode_head.conv_seg."),
    ]
    for level in range(4):
        public, own = rf"feature_ops\.{3 * level + 1}\.(\d+)\.", rf"backbone.levels.{level}.\1."
        rules += [Rule(rf"{public}0\.seq\.", f"{own}0.layers.")]
        rules += [Rule(rf"{public}1\.{index}\.", f"{own}{index + 1}.") for index in (0, 1)]
        rules += [Rule(rf"feature_ops\.{3 * level + 3}\.0\.", f"backbone.halvings.{level}.")]
        rules += [Rule(rf"fuse_3x3convs\.{level}\.", f"backbone.fusions.{3 - level}.")]
    return rules


PUBLIC_MODELS: dict[str, list[Rule]] = {
    "ExViT": exvit(),
    "FreeNet": free_net(),
    "HiT": hit(),
    "MAEST": maest(),
    "SSTN": sstn(),
}
"""Rules by model; of each name the first that fits counts."""


def public_state(model: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Name and shape the weights of a model's public code as they are here.

    Args:
        model: One of ``PUBLIC_MODELS``.
        state: The public code's state dict.

    Returns:
        A state dict of a :class:`mmhsi.models.PixelClassifier` on the backbone with mmpretrain's
        ``GlobalAveragePooling`` and ``LinearClsHead``; of FreeNet of :class:`mmhsi.models.EncoderDecoder`, of MAEST's
        pretraining of :class:`mmhsi.models.MAEST`.

    Raises:
        ConfigError: If the model is unknown, or a weight is not one of its public code.
    """
    if model not in PUBLIC_MODELS:
        raise ConfigError(f"public weights of {model!r} are not known, expected one of {', '.join(PUBLIC_MODELS)}")
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        rule = next((rule for rule in PUBLIC_MODELS[model] if re.match(rule.pattern, key)), None)
        if rule is None:
            raise ConfigError(f"public weights of {model}: {key} is none of its public code's; is it of another model?")
        if rule.name is not None:
            found[re.sub(rf"^{rule.pattern}", rule.name, key)] = keep_axes(value, rule.axes, key)
    return found


def keep_axes(value: Tensor, axes: int | tuple[int, ...] | None, key: str) -> Tensor:
    """The axes of a weight that count, the others being of length 1.

    Args:
        value: The weight.
        axes: The first n, or those numbered; None for all.
        key: Its name, for the message.

    Raises:
        ConfigError: If it has fewer, or another is longer.
    """
    if axes is None:
        return value
    kept = tuple(range(axes)) if isinstance(axes, int) else axes
    shape = tuple(value.shape[axis] for axis in kept if axis < value.ndim)
    if len(shape) < len(kept) or math.prod(shape) != value.numel():
        raise ConfigError(f"public weights: {key} has shape {tuple(value.shape)}, which does not fit its place")
    return value.reshape(shape)
