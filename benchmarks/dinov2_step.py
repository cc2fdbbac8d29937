"""A step of DINOv2 beside its bare parts: student forward and backward on all crops, teacher forward on global ones."""

from collections.abc import Callable
from functools import partial

import torch
from mmengine.optim import build_optim_wrapper
from side_by_side import Bench, Comparison, Measure, main

from mmhsi.engine.layer_decay_optim import LayerDecayOptimWrapperConstructor
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.registry import MODELS

BACKBONE = dict(
    type="HSIViT",
    in_channels=32,
    img_size=64,
    patch_size=8,
    pos_embed="learned",
    num_registers=4,
    ffn_type="swiglu_fused",
    layer_scale_init_value=1e-5,
    with_mask_token=True,
)
OPTIMISER = dict(
    constructor=LayerDecayOptimWrapperConstructor.__name__,
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.04, fused=True),
    clip_grad=dict(max_norm=3.0),
    paramwise_cfg=dict(layer_decay_rate=0.9, norm_decay_mult=0.0),
)


def step(with_optimiser: bool, bench: Bench) -> tuple[Measure, Measure]:
    """The dissertation's student and teacher on 4 images, each of 2 global and 8 local crops."""
    backbone = dict(BACKBONE, arch="tiny" if bench.quick else "base")
    head = dict(type="DINOHead", num_prototypes=bench.size(65_536, 64))
    model: DINOv2 = MODELS.build(dict(type=DINOv2, backbone=backbone, head=head)).train().to(bench.device)
    optim = build_optim_wrapper(model, OPTIMISER)
    views = [torch.randn(bench.size(4, 1), 32, size, size, device=bench.device) for size in (64, 64, *[32] * 8)]

    def learn() -> None:
        losses = model(views, mode="loss")
        torch.stack([value for name, value in losses.items() if "loss" in name]).sum().backward()
        model.update_teacher(0.99)
        if with_optimiser:
            optim.step()

    def bare() -> None:
        """What no implementation of the method can spare."""
        crops, local_crops = torch.cat(views[:2]), torch.cat(views[2:])
        with torch.no_grad():
            model.teacher.encode(crops)
        streams = [*model.student.encode(crops), *model.student.encode(local_crops)]
        torch.stack([tokens.square().mean() for stream in streams for tokens in stream]).sum().backward()

    def without_gradients(job: Callable[[], None]) -> float:
        optim.zero_grad()
        return bench.seconds(job)()

    return lambda: without_gradients(learn), lambda: without_gradients(bare)


COMPARISONS = [
    Comparison(
        "dinov2-step",
        "DINOv2 ViT-B, 2 + 8 crops, 65,536 prototypes, batch 4: forward, backward, masks and EMA beside its bare parts",
        partial(step, False),
        goal="≤ 1.15",
        rounds=3,
        on_device=True,
    ),
    Comparison("dinov2-optimiser", "the same with AdamW and clipping", partial(step, True), rounds=3, on_device=True),
]

if __name__ == "__main__":
    main(dict(dinov2_step=COMPARISONS))
