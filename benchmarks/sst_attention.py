"""What factorised attention saves and how fast its layers are: SST Base on 116 x 128 x 128 cubes, 7424 tokens.

Memory is the peak RSS of a fresh process over one forward and backward pass, less what it held before (Linux).
"""

import resource
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from side_by_side import Bench, Comparison, Measure, main, other_process, peak_memory, per_second, seconds
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from mmhsi.models.backbones.sst import SST
from mmhsi.models.layers.transformer_layer import TransformerLayer

BLOCKS, PLACES = 29, 256
BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "math": SDPBackend.MATH}


def layer_speed(rows: int, tokens: int, bench: Bench) -> tuple[Measure, Measure]:
    """Tokens a second of our layer and of torch's of the same shape: d 48, 4 heads of 12, MLP 192."""
    x = torch.randn(bench.size(rows, 2), tokens, 48, requires_grad=True)
    ours = TransformerLayer(embed_dims=48, num_heads=4, head_dims=12, feedforward_channels=192)
    torchs = nn.TransformerEncoderLayer(48, 4, 192, 0.0, "gelu", batch_first=True, norm_first=True)

    def both_ways(layer: nn.Module) -> int:
        layer(x).sum().backward()
        return len(x) * tokens

    return per_second(lambda: both_ways(ours)), per_second(lambda: both_ways(torchs))


def skipping(bench: Bench) -> tuple[Measure, Measure]:
    """Cubes a second with four of eight layers pruned, two of each stage, and with none."""
    whole, pruned = SST(116).eval(), SST(116).eval()
    for stage in pruned.prunable_stages().values():
        stage.set_pruned((0, 1))
    side = bench.size(128, 16)
    x = torch.randn(1, 116, side, side)

    @torch.no_grad()
    def cubes(model: SST) -> int:
        return len(model(x)[0])

    return per_second(lambda: cubes(pruned)), per_second(lambda: cubes(whole))


def encode_jointly(model: SST, x: Tensor, layers: int = 8) -> Tensor:
    """The same layers, each over all tokens of the cube at once."""
    tokens = model.embed(x).patches  # (B, G·N, d)
    for layer in [*model.spatial_layers, *model.spectral_layers][:layers]:
        tokens = layer(tokens)
    return tokens


def one_pass(kind: str, layers: int, side: int) -> tuple[float, float]:
    """GiB and seconds of one forward and backward pass; ``kind`` is factorised, flash or math."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = SST(116)
    model(torch.randn(1, 116, 16, 16))[0].sum().backward()  # what libraries allocate once is not counted
    x = torch.randn(1, 116, side, side)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**30

    def step() -> None:
        if kind == "factorised":
            model.forward_tokens(x).patches.sum().backward()
        else:
            with sdpa_kernel(BACKENDS[kind]):
                encode_jointly(model, x, layers).sum().backward()

    took = seconds(step)()
    return peak_memory() - before, took


@cache
def cost(kind: str, layers: int, side: int) -> tuple[float, float]:
    """GiB and seconds in a process of its own."""
    return other_process()(one_pass, kind, layers, side)


def beside_joint(kind: str, figure: int, bench: Bench) -> tuple[Measure, Measure]:
    """Memory (figure 0) or seconds (1) of the factorised form and of joint attention, 8 layers each."""
    side = bench.size(128, 16)

    def joint() -> float:
        if kind == "flash":
            return cost(kind, 8, side)[figure]
        one, two = (cost(kind, layers, side)[figure] for layers in (1, 2))
        return one + 7 * (two - one)  # 8 layers may be more than a machine holds

    return lambda: cost("factorised", 8, side)[figure], joint


LAYERS: dict[str, Any] = dict(goal="≥ 1", unit="tokens/s", rounds=15)
COMPARISONS = [
    Comparison(
        "sst-spatial-layer",
        "SST spatial layer (29 × 256 tokens) beside `nn.TransformerEncoderLayer` of equal width, forward and backward",
        partial(layer_speed, BLOCKS, PLACES),
        **LAYERS,
    ),
    Comparison(
        "sst-spectral-layer",
        "SST spectral layer (256 × 29 tokens), likewise",
        partial(layer_speed, PLACES, BLOCKS),
        **LAYERS,
    ),
    Comparison(
        "sst-pruned",
        "SST Base forward on 116×128×128, 4 of 8 layers pruned, beside none",
        skipping,
        goal="≥ 1.5",
        unit="cubes/s",
        rounds=7,
    ),
    Comparison(
        "sst-memory-math",
        "SST Base on 116×128×128, forward and backward: peak memory beside joint attention over 7,424 tokens, SDPA's "
        "math kernel, extrapolated from 1 and 2 layers",
        partial(beside_joint, "math", 0),
        goal="≤ 0.1",
        unit="GiB",
        kind="memory",
    ),
    Comparison(
        "sst-memory-flash",
        "the same, SDPA's flash kernel, which keeps no scores",
        partial(beside_joint, "flash", 0),
        unit="GiB",
        kind="memory",
    ),
    Comparison("sst-time-flash", "the same: time, one pass", partial(beside_joint, "flash", 1), kind="memory"),
]

if __name__ == "__main__":
    main(dict(sst_attention=COMPARISONS))
