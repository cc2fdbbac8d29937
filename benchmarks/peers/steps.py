"""Training steps and maps beside other libraries' own code, of equal sizes; :mod:`compare` runs them."""

import importlib.util
import sys
import time
import unittest.mock
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import rasterio
import torch
from dinov2_step import BACKBONE
from lightly.loss import DINOLoss, IBOTPatchLoss, KoLeoLoss
from lightly.models import utils
from lightly.models.modules import DINOv2ProjectionHead, MAEDecoderTIMM, MaskedVisionTransformerTIMM
from mae_step import our_mae
from scene_inference import ONE_CONVOLUTION, inferencer, packed_scene
from side_by_side import Bench, Comparison, Measure
from timm.layers import SwiGLUPacked
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mmhsi.models import HSIViT
from mmhsi.registry import MODELS

BANDS, SIDE, PATCH, PROTOTYPES = 32, 64, 8, 65_536


def their_vit(**options: Any) -> VisionTransformer:
    """ViT-B of timm's, without a head."""
    return VisionTransformer(SIDE, PATCH, BANDS, num_classes=0, global_pool="", **options)


def expect_equal_sizes(ours: nn.Module, theirs: nn.Module) -> None:
    """Both learn as many weights; tables of positions, which some keep fixed, aside."""
    first, second = (
        sum(p.numel() for name, p in model.named_parameters() if "pos_embed" not in name and p.requires_grad)
        for model in (ours, theirs)
    )
    assert first == second, (first, second)


def vit_step(bench: Bench) -> tuple[Measure, Measure]:
    """HSIViT-B and timm's VisionTransformer, which give the same on the same weights."""
    ours, theirs = HSIViT(in_channels=BANDS, img_size=SIDE, patch_size=PATCH), their_vit()
    expect_equal_sizes(ours, theirs)
    x = torch.randn(bench.size(4, 1), BANDS, SIDE, SIDE)
    with torch.no_grad():
        weights = (p for name, p in theirs.named_parameters() if name != "pos_embed")
        for own, weight in zip(ours.parameters(), weights, strict=True):
            weight.copy_(own.view_as(weight))
        assert ours.pos_embed is not None
        theirs.pos_embed.copy_(ours.pos_embed)
        tokens = ours(x)[0].flatten(2).transpose(1, 2)
        torch.testing.assert_close(theirs.forward_features(x)[:, 1:], tokens, rtol=0, atol=1e-4)
    return (
        bench.forward_backward(ours, lambda: ours(x)[0].square().mean()),
        bench.forward_backward(theirs, lambda: theirs.forward_features(x)[:, 1:].square().mean()),
    )


def mae_step(bench: Bench) -> tuple[Measure, Measure]:
    """Our MAE, and the one that lightly's guide puts together from its parts."""
    encoder = MaskedVisionTransformerTIMM(their_vit())
    decoder = MAEDecoderTIMM((SIDE // PATCH) ** 2, PATCH, BANDS, 768, 512, 8, 16)
    ours, theirs = our_mae(), nn.ModuleList([encoder, decoder])
    encoder.mask_token.requires_grad_(False)  # the decoder's is used
    expect_equal_sizes(ours, theirs)
    x = torch.randn(bench.size(8, 1), BANDS, SIDE, SIDE)

    def loss() -> Tensor:
        size = (len(x), encoder.sequence_length)
        kept, hidden = utils.random_token_mask(size, 0.75)
        tokens = utils.repeat_token(decoder.mask_token, size)
        tokens = utils.set_at_index(tokens, kept, decoder.embed(encoder.encode(x, idx_keep=kept)))
        predicted = decoder.predict(utils.get_at_index(decoder.decode(tokens), hidden))
        return nn.functional.mse_loss(predicted, utils.get_at_index(utils.patchify(x, PATCH), hidden - 1))

    return (
        bench.forward_backward(ours, lambda: ours.loss(x, None)["loss"]),
        bench.forward_backward(theirs, loss),
    )


def dinov2_step(bench: Bench) -> tuple[Measure, Measure]:
    """Our DINOv2 with centring by a running mean, and the one that lightly's guide puts together from its parts."""
    prototypes = bench.size(PROTOTYPES, 64)
    head = dict(type="DINOHead", num_prototypes=prototypes)
    ours = MODELS.build(dict(type="DINOv2", backbone=BACKBONE, head=head, centring="softmax")).train()
    swiglu: dict[str, Any] = dict(mlp_layer=SwiGLUPacked, mlp_ratio=16 / 3, act_layer=nn.SiLU)

    def branch() -> tuple[Any, Any]:
        vit = their_vit(reg_tokens=4, no_embed_class=True, init_values=1e-5, dynamic_img_size=True, **swiglu)
        encoder = MaskedVisionTransformerTIMM(vit, pos_embed_initialization="learn")
        return encoder, DINOv2ProjectionHead(768, output_dim=prototypes)

    encoder, score = student = branch()
    slow_encoder, slow_score = teacher = branch()
    both, slow = nn.ModuleList(student), nn.ModuleList(teacher).requires_grad_(False)
    expect_equal_sizes(ours, both)
    dino, ibot, koleo = DINOLoss(prototypes), IBOTPatchLoss(prototypes), KoLeoLoss()
    views = [torch.randn(bench.size(4, 2), BANDS, side, side) for side in (SIDE, SIDE, *[SIDE // 2] * 8)]

    def our_loss() -> Tensor:
        losses = ours(views, mode="loss")
        ours.update_teacher(0.99)
        return torch.stack([value for name, value in losses.items() if "loss" in name]).sum()

    def their_loss() -> Tensor:
        crops, local = torch.cat(views[:2]), torch.cat(views[2:])
        blocks = utils.random_block_mask((len(crops), SIDE // PATCH, SIDE // PATCH))
        mask = torch.cat([blocks.new_zeros(len(crops), encoder.vit.num_prefix_tokens), blocks.flatten(1)], dim=1)
        with torch.no_grad():
            tokens = slow_encoder.encode(crops)
            targets, hidden_targets = slow_score(tokens[:, 0]), slow_score(tokens[mask])
        tokens, local_tokens = encoder.encode(crops, mask=mask), encoder.encode(local)
        scores = score(torch.cat([tokens[:, 0], local_tokens[:, 0]]))
        loss = dino(list(targets.chunk(2)), list(scores.chunk(len(views))))
        loss = loss + ibot(hidden_targets, score(tokens[mask]), blocks)
        loss = loss + 0.1 * sum(koleo(part) for part in tokens[:, 0].chunk(2))
        utils.update_momentum(both, slow, 0.99)
        return loss

    return bench.forward_backward(ours, our_loss), bench.forward_backward(both, their_loss)


def tiled_inference() -> Any:
    """The function of terratorch's, without what its packages import beside it, such as every model that it knows."""
    found = importlib.util.find_spec("terratorch")
    assert found is not None
    folder = Path(str(found.origin)).parent
    for name in ("", ".tasks", ".models"):
        package = ModuleType(f"terratorch{name}")
        package.__path__ = [str(folder.joinpath(*name.split(".")))]
        sys.modules[package.__name__] = package
    registry = ModuleType("terratorch.registry")
    registry.BACKBONE_REGISTRY = None  # type: ignore[attr-defined]
    sys.modules[registry.__name__] = registry
    from terratorch.tasks.tiled_inference import tiled_inference as function

    return function


def map_outside(bench: Bench) -> tuple[Measure, Measure]:
    """What a map costs beside its forward passes: from file to file, and terratorch's."""
    side = bench.size(1024, 128)
    scene, written = packed_scene(bench.folder, side, side, BANDS), bench.folder / "map.tif"
    model = inferencer(bench.folder, ONE_CONVOLUTION, BANDS, 20, SIDE, 16)
    tiled, network, passed = tiled_inference(), model.model.network, []
    call = type(model.model).__call__
    options = dict(driver="GTiff", width=side, height=side, count=1, dtype="uint8", tiled=True, compress="deflate")

    def forward(function: Any, *given: Tensor) -> Any:
        start = time.thread_time()  # other threads read and write meanwhile
        scores = function(*given)
        passed.append((len(given[-1]), time.thread_time() - start))
        return scores

    def own() -> None:
        with unittest.mock.patch.object(type(model.model), "__call__", lambda self, x: forward(call, self, x)):
            model.write_map(scene, written)

    def theirs() -> None:
        with rasterio.open(scene) as file:
            data = torch.from_numpy(file.read())[None]
        x = network.data_preprocessor.normalise(data)
        passes = partial(forward, lambda tiles: network.encode_decode(tiles, [dict(img_shape=(SIDE, SIDE))]))
        scores = tiled(passes, x, crop=SIDE, stride=SIDE // 2, delta=0, batch_size=16, padding=False)
        with rasterio.open(bench.folder / "theirs.tif", "w", **options) as file:
            file.write(scores[0].argmax(0).byte().numpy(), 1)

    def outside(job: Any) -> float:
        passed.clear()
        start = time.perf_counter()
        job()
        return time.perf_counter() - start - sum(took for _, took in passed)

    windows = [(outside(job), sum(count for count, _ in passed))[1] for job in (own, theirs)]
    with rasterio.open(written) as first, rasterio.open(bench.folder / "theirs.tif") as second:
        agree = (first.read(1) == second.read(1)).mean()
    assert windows[0] == windows[1], windows
    assert agree > 0.99, agree  # overlaps are blended by other weights
    return partial(outside, own), partial(outside, theirs)


STEP: dict[str, Any] = dict(goal="≤ 1.03")
COMPARISONS = [
    Comparison("vit-timm", "HSIViT-B, 64×64×32, batch 4, forward and backward, beside timm's ViT-B", vit_step, **STEP),
    Comparison(
        "mae-lightly",
        "MAE ViT-B, 64×64×32, 75 % hidden, batch 8, forward and backward, beside lightly's parts",
        mae_step,
        **STEP,
    ),
    Comparison(
        "dinov2-lightly",
        "DINOv2 ViT-B, 2 + 8 crops, 65,536 prototypes, batch 4: forward, backward, masks, EMA, beside lightly's parts",
        dinov2_step,
        rounds=3,
        **STEP,
    ),
    Comparison(
        "map-terratorch",
        "map of 1024×1024×32 from file to file, 20 classes, stride 32, beside terratorch's `tiled_inference` "
        "between rasterio's reading and writing, both outside the model (time on the wall, model on one thread)",
        map_outside,
        goal="≤ 1",
    ),
]
