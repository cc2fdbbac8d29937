"""DINOv2 on N bands (Oquab et al. 2024; dissertation §3.3)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmhsi.arguments import check_choice
from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..heads import DINOHead
from ..layers import patch_grid
from ..losses import SinkhornCentring, SoftmaxCentring, dino_loss, ibot_loss, koleo_loss
from ..protocols import AdaptableModel, LayeredBackbone, MaskTokenBackbone, check_protocol
from ..quiet_init import QuietInit
from ..rng import BatchRNG
from ..weights import strip_prefix
from .dino_masks import DINOMasking, TokenMask, patches_with_data
from .dinov2_branch import DINOBranch, Stream
from .dinov2_collapse import collapse_measures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GLOBAL_VIEWS = 2
"""Views of an image that the teacher sees; all others are local."""

LOSS_WEIGHTS = {"dino": 1.0, "ibot": 1.0, "koleo": 0.1}
CENTRING: dict[str, Callable[[int], nn.Module]] = {
    "sinkhorn_knopp": lambda _: SinkhornCentring(),
    "softmax": SoftmaxCentring,
}


@MODELS.register_module()
class DINOv2(QuietInit, BaseModel):
    """Self-distillation without labels: a student matches its own moving average on other views and hidden patches.

    - DINO: the student's CLS scores of each view against the teacher's of each other global view.
    - iBOT: the student's scores of hidden patches of the global views against those of the teacher, which sees them.
    - KoLeo: the student's CLS tokens of different images are kept apart, before the head.

    On a backbone of two streams, :class:`mmhsi.models.SpatialSpectralViT`, all terms exist for the spectral stream too:
    for its CLS token, and for band groups that are hidden in spans (a 1-D mask), in the images whose patches are.

    The teacher has no gradient, no dropout and no stochastic depth. It moves when :meth:`update_teacher` is called, and
    ``teacher_temperature`` is its temperature: :class:`mmhsi.engine.DINOScheduleHook` sets both. In a checkpoint it is
    ``teacher.backbone.``, which downstream tasks take.

    Views are ``inputs[view]`` (B, C, h, w), 2 global ones of one size first, then any number of local ones of another;
    each size goes through the backbone in one pass. Every trained parameter takes part in each step, unless the term
    that needs it has weight 0 (mask tokens: iBOT) or there are no local views (SpatialSpectralViT's paper mode: what it
    has for the smaller size). Pixels without data: hidden patches that hold none but such do not count.

    Args:
        backbone: Config of a :class:`mmhsi.models.protocols.MaskTokenBackbone` with CLS, and for iBOT with a mask token
            (HSIViT: ``with_mask_token=True``).
        head: Config of the head, without ``in_channels``. Default: :class:`mmhsi.models.DINOHead` as it is.
        separate_heads: Whether every term has a head of its own; else one serves all. Default False.
        centring: ``'sinkhorn_knopp'`` (3 iterations) or ``'softmax'`` (running mean, momentum 0.9).
        student_temperature: Default 0.1.
        teacher_temperature: Until a hook sets it. Default 0.07.
        loss_weights: Weights of ``dino``, ``ibot`` and ``koleo`` (defaults 1, 1, 0.1), and of the same with
            ``spectral_`` before it.
        masking: Config of :class:`mmhsi.models.DINOMasking`. Default: as it is.
        data_preprocessor: Config of the preprocessor, :class:`mmhsi.models.ViewPreprocessor`.
        init_cfg: mmengine's initialisation. ``dict(type='Pretrained', checkpoint=…)`` goes on from a checkpoint of this
            algorithm; position tables are fitted to the backbone's ``img_size``.

    Raises:
        ConfigError: If an argument does not fit.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict | None = None,
        separate_heads: bool = False,
        centring: str = "sinkhorn_knopp",
        student_temperature: float = 0.1,
        teacher_temperature: float = 0.07,
        loss_weights: Mapping[str, float] | None = None,
        masking: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        check_choice("DINOv2", "centring", centring, CENTRING)
        if not (0 < student_temperature <= 1 and 0 < teacher_temperature <= 1):
            given = f"{student_temperature=}, {teacher_temperature=} given"
            raise ConfigError(f"DINOv2: {given}, expected more than 0 and at most 1")
        student = check_protocol("DINOv2", MODELS.build(backbone), MaskTokenBackbone)
        if not student.with_cls or student.num_blocks > 1:
            raise ConfigError(
                f"DINOv2: {type(student).__name__} has with_cls={student.with_cls} and "
                f"num_blocks={student.num_blocks}, expected a CLS token and one token a patch, as of HSIViT"
            )
        self.prefixes = ("", "spectral_") if student.num_groups else ("",)
        self.loss_weights = self._complete(loss_weights or {})
        if any(self.loss_weights[f"{prefix}ibot"] for prefix in self.prefixes) and not student.with_mask_token:
            raise ConfigError("DINOv2: hidden patches need a mask token, set with_mask_token=True in the backbone")
        terms = [name for name, weight in self.loss_weights.items() if weight and not name.endswith("koleo")]
        if not terms:
            raise ConfigError(f"DINOv2: loss_weights={self.loss_weights} leave nothing to learn from the teacher")
        head = head or dict(type=DINOHead)
        self.student = DINOBranch(student, head, terms, separate_heads)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.teacher.is_init = True  # follows the student, and loads nothing of its own
        prototypes = next(iter(self.teacher.heads.values())).num_prototypes
        self.centring = nn.ModuleDict({term: CENTRING[centring](prototypes) for term in terms})
        self.student_temperature = student_temperature
        self.teacher_temperature = teacher_temperature
        self.masking = MASKING.build(masking or dict(type="DINOMasking"))
        if not isinstance(self.masking, DINOMasking):
            raise ConfigError(f"DINOv2: masking.type={masking and masking['type']!r} given, expected 'DINOMasking'")
        # Patches without data do not count, so the preprocessor has to say which pixels hold some.
        self.data_preprocessor.with_valid = True
        self.data_preprocessor.with_rng = True

    def _complete(self, given: Mapping[str, float]) -> dict[str, float]:
        """Weights of all terms of all streams."""
        weights = {prefix + name: weight for prefix in self.prefixes for name, weight in LOSS_WEIGHTS.items()}
        unknown = set(given) - set(weights)
        if unknown or any(weight < 0 for weight in given.values()):
            raise ConfigError(
                f"DINOv2: loss_weights={dict(given)} given, expected weights of at least 0 for {', '.join(weights)}"
            )
        return {**weights, **given}

    def init_weights(self) -> None:
        """Apply the student's ``init_cfg`` and copy it into the teacher; then apply the algorithm's own, to both."""
        self.student.init_weights()
        self.teacher.load_state_dict(self.student.state_dict())
        super().init_weights()

    def train(self, mode: bool = True) -> DINOv2:
        """Switch between training and evaluation; the teacher stays in evaluation."""
        super().train(mode)
        self.teacher.eval()
        return self

    @torch.no_grad()
    def update_teacher(self, momentum: float) -> None:
        """Move the teacher towards the student: momentum · teacher + (1 − momentum) · student.

        Args:
            momentum: Share of the teacher that stays, 0 to 1.
        """
        torch._foreach_lerp_(list(self.teacher.parameters()), list(self.student.parameters()), 1 - momentum)

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates, and the number of depths; heads are the last.

        Args:
            param_name: Name within this model.
        """
        backbone = check_protocol("DINOv2: layer-wise learning rates", self.student.backbone, LayeredBackbone)
        return backbone.get_layer_depth(param_name, "student.backbone.")

    def adapt_weight(self, key: str, value: Tensor, state: dict[str, Tensor]) -> Tensor:
        """Fit a checkpoint's position tables to the backbones' grids, see :func:`mmhsi.models.transfer_weights`.

        Args:
            key: The weight's name.
            value: The checkpoint's, of any shape.
            state: The checkpoint's state dict.
        """
        branch, _, name = key.partition(".backbone.")
        backbone = self.student.backbone
        if branch not in ("student", "teacher") or not isinstance(backbone, AdaptableModel):
            return value
        return backbone.adapt_weight(name, value, strip_prefix(state, f"{branch}.backbone."))

    def forward(
        self,
        inputs: Tensor | Sequence[Tensor],
        data_samples: list | None = None,
        valid: Sequence[Tensor] | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
        mode: str = "tensor",
    ) -> dict[str, Tensor] | tuple[Tensor, ...]:
        """Run the algorithm.

        Args:
            inputs: For ``'loss'`` normalised views, each (B, C, h, w); for ``'tensor'`` images (B, C, H, W).
            data_samples: Ignored; part of mmengine's interface.
            valid: Pixels of each view that hold data, bool, each (B, h, w); None if all do.
            rng: What to draw masks from. Default: torch's own generators.
            wavelengths: Centres of the batch's bands in nm, for a backbone of any bands. Default: the backbone's own.
            mode: ``'loss'`` for training, ``'tensor'`` for the maps of the teacher's backbone.

        Returns:
            Losses and measures by name; or the maps.

        Raises:
            ConfigError: If the mode is another.
        """
        if mode == "loss":
            return self.loss(cast("Sequence[Tensor]", inputs), valid, rng, wavelengths)
        if mode == "tensor":
            bands = {} if wavelengths is None else {"wavelengths": wavelengths}
            return self.teacher.backbone(inputs, **bands)
        raise ConfigError(f"DINOv2: mode={mode!r} is not offered, expected 'loss' or 'tensor'")

    def loss(
        self,
        views: Sequence[Tensor],
        valid: Sequence[Tensor] | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """One step's losses, and the measures that show a collapse.

        Args:
            views: Normalised views, each (B, C, h, w), the 2 global ones first.
            valid: Pixels of each view that hold data, bool, each (B, h, w); None if all do.
            rng: What to draw masks from. Default: torch's own generators.
            wavelengths: As for :meth:`forward`.

        Returns:
            ``loss_dino_global``, ``loss_dino_local``, ``loss_ibot`` and ``loss_koleo``, weighted; ``entropy``,
            ``information``, ``feature_std`` and ``effective_rank`` of the teacher's CLS tokens, and of the hidden
            tokens with ``token_`` before it; with ``spectral_`` before each those of the spectral stream.

        Raises:
            ConfigError: If there are not two global views of one size.
        """
        if len(views) < GLOBAL_VIEWS or views[0].shape != views[1].shape:
            raise ConfigError(
                f"DINOv2: views of {', '.join(str(tuple(view.shape)) for view in views)} given, expected 2 global ones "
                "of one size first"
            )
        crops = torch.cat(list(views[:GLOBAL_VIEWS]))
        local_crops = torch.cat(list(views[GLOBAL_VIEWS:])) if len(views) > GLOBAL_VIEWS else None
        masks = self.draw_masks(crops, valid, rng or BatchRNG(len(views[0]), crops.device))
        targets, losses = self.teach(crops, masks, wavelengths)

        streams = self.student.encode(crops, masks, wavelengths)
        local_streams = None if local_crops is None else self.student.encode(local_crops, (), wavelengths)
        scores = self.student.score(self.select(streams, local_streams, masks))
        for prefix, stream, mask in zip(self.prefixes, streams, masks, strict=True):
            weights = {name: self.loss_weights[prefix + name] for name in LOSS_WEIGHTS}
            if weights["dino"]:
                by_view = scores[f"{prefix}dino"].unflatten(0, (len(views), -1))  # (V, B, K)
                global_term, local_term = dino_loss(
                    by_view[:GLOBAL_VIEWS],
                    None if local_crops is None else by_view[GLOBAL_VIEWS:],
                    targets[f"{prefix}dino"].unflatten(0, (GLOBAL_VIEWS, -1)),
                    self.student_temperature,
                )
                losses[f"loss_{prefix}dino_global"] = weights["dino"] * global_term
                if local_term is not None:
                    losses[f"loss_{prefix}dino_local"] = weights["dino"] * local_term
            if mask is not None:
                term = f"{prefix}ibot"
                ibot_term = ibot_loss(scores[term], targets[term], mask.weights, len(crops), self.student_temperature)
                losses[f"loss_{term}"] = weights["ibot"] * ibot_term
            if weights["koleo"]:
                losses[f"loss_{prefix}koleo"] = (
                    weights["koleo"] * torch.stack([*map(koleo_loss, stream.cls.chunk(GLOBAL_VIEWS))]).sum()
                )
        return losses

    @torch.no_grad()
    def teach(
        self, crops: Tensor, masks: Sequence[TokenMask | None], wavelengths: Sequence[float] | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The teacher's part of a step.

        Args:
            crops: Global views, shape (2 · B, C, h, w).
            masks: Hidden tokens of each stream, which the teacher sees; None where none are scored.
            wavelengths: As for :meth:`forward`.

        Returns:
            Assignments (n, K) of every term, and the measures that show a collapse.
        """
        tokens = self.select(self.teacher.encode(crops, (), wavelengths), None, masks)
        counts = {
            f"{prefix}ibot": (mask.weights > 0).float()
            for prefix, mask in zip(self.prefixes, masks, strict=True)
            if mask is not None
        }
        targets = {
            term: self.centring[term](scores, self.teacher_temperature, counts.get(term))
            for term, scores in self.teacher.score(tokens).items()
        }
        measures: dict[str, Tensor] = {}
        for term, features in tokens.items():
            if len(features):  # a process may have no masked image
                name = term.removesuffix("dino").replace("ibot", "token_")
                measures.update(collapse_measures(features, targets[term], name))
        return targets, measures

    def select(
        self, streams: Sequence[Stream], local_streams: Sequence[Stream] | None, masks: Sequence[TokenMask | None]
    ) -> dict[str, Tensor]:
        """Tokens (n, d) that go through the head: CLS of all views, and the hidden ones of the global views.

        Args:
            streams: Tokens of the global crops, one a stream.
            local_streams: Those of the local crops; None without any.
            masks: Hidden tokens of every stream.
        """
        tokens = {}
        for index, (prefix, stream, mask) in enumerate(zip(self.prefixes, streams, masks, strict=True)):
            if self.loss_weights[f"{prefix}dino"]:
                local = [] if local_streams is None else [local_streams[index].cls]
                tokens[f"{prefix}dino"] = torch.cat([stream.cls, *local])
            if mask is not None:
                tokens[f"{prefix}ibot"] = stream.tokens.flatten(0, 1).index_select(0, mask.indices)
        return tokens

    def draw_masks(self, crops: Tensor, valid: Sequence[Tensor] | None, rng: BatchRNG) -> list[TokenMask | None]:
        """Choose hidden tokens of each stream in the same images; None for a stream without iBOT.

        Args:
            crops: Global crops, shape (V, C, h, w).
            valid: Pixels that hold data, each (B, h, w); None if all do.
            rng: What to draw from, for B images.
        """
        backbone = self.student.backbone
        grids = {"": patch_grid(crops.shape[2:], backbone.patch_size)}
        if "spectral_" in self.prefixes:
            grids["spectral_"] = (1, backbone.num_groups)
        has_data = None
        if valid is not None:
            has_data = patches_with_data(torch.cat(list(valid[:GLOBAL_VIEWS])), backbone.patch_size)
        scored = [grids[prefix] if self.loss_weights[f"{prefix}ibot"] else None for prefix in self.prefixes]
        return self.masking(rng.for_views(GLOBAL_VIEWS), scored, has_data)
