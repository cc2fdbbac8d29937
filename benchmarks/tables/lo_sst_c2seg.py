"""LO-SST paper, Tables 4 to 7, on C2Seg Wuhan, which is to be downloaded; for GPUs."""

title = "C2Seg Wuhan: heads, masking, pruned layers, frozen or full fine-tuning"
protocol = (
    "Tiles of 128x128 pixels, 116 bands, 14 classes, 80 % for training, those in all four quarter turns. Every seed "
    "has a split and a pretraining of its own, on its training tiles alone: 100 epochs, then 200 of each phase. Full: "
    "all weights, on 30 % of the training tiles; from scratch on all of them."
)
metric = "OA"
seeds = (0, 1, 2)

heads = {"linear": "linear", "CNN": "cnn", "UNet": "unet"}
frozen = "configs/lo_msst/lo-msst-frozen_sst-base-p8q4_{}_c2seg-wuhan.py"
init = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
# Phase 2: all weights, on the first 30 % of the shuffled training tiles, which are 80 %.
full = {"model.frozen": False, "train_dataloader.dataset.split.train_share": 0.24, "find_unused_parameters": True}


def large(head):
    """Options by which a config of Base becomes one of Large: d 84, 6 spatial and 6 spectral layers."""
    layers, channels = ((2, 5, 8, 11), [84] * 4) if head == "unet" else ((11,), 84)
    return {
        "model.backbone.arch": "large",
        "model.backbone.out_indices": layers,
        "model.decode_head.in_channels": channels,
    }


def row(arch, pruned=0, tubes=False):
    """Phases 1 and 2 after one pretraining."""
    options = {"model.backbone.arch": "large"} if arch == "large" else {}
    if tubes:
        options["model.masking.type"] = "TubeMasking"
    if pruned:
        options["default_hooks.pruning.num_layers"] = pruned
    config = f"configs/lo_msst/lo-msst{'-pruned' if pruned else ''}_sst-base-p8.py"
    pretrain = dict(config=config, dataset="c2seg-wuhan", options=options)

    def finetune(head, options):
        return dict(config=frozen.format(head), options={**init, **(large(head) if arch == "large" else {}), **options})

    cells = {f"{name}, frozen": [pretrain, finetune(head, {})] for name, head in heads.items()}
    cells["CNN, full"] = [pretrain, finetune("cnn", full)]
    return cells


rows = {f"{arch}, random, nothing pruned": row(arch) for arch in ("base", "large")}
rows |= {f"{arch}, random, {k} pruned": row(arch, k) for arch in ("base", "large") for k in (2, 4, 6)}
rows["base, tube, nothing pruned"] = row("base", tubes=True)
rows |= {f"base, tube, {k} pruned": row("base", k, tubes=True) for k in (2, 4, 6)}
scratch = "configs/lo_msst/sst-base-p8q4_linear_c2seg-wuhan.py"
rows["base, from scratch"] = {"linear, full": [dict(config=scratch)]}
rows["large, from scratch"] = {"linear, full": [dict(config=scratch, options=large("linear"))]}
rows["Mask2Former, Swin-S"] = {
    "from scratch": [dict(config="configs/mask2former/mask2former_swin-small_c2seg-wuhan.py")]
}

# Linear, CNN and UNet with a frozen encoder, CNN with all weights; None where the paper gives none.
figures = {
    "base, random, nothing pruned": (46.51, 53.50, 53.75, None),
    "large, random, nothing pruned": (35.10, 40.06, 30.68, None),
    "base, random, 2 pruned": (None, 54.89, 53.45, 51.66),
    "base, random, 4 pruned": (None, 55.55, 54.61, 51.39),
    "base, random, 6 pruned": (None, 55.16, 55.12, 51.43),
    "large, random, 2 pruned": (None, 41.04, None, 39.13),
    "large, random, 4 pruned": (None, 44.47, None, 39.43),
    "large, random, 6 pruned": (None, 41.52, None, 40.02),
    "base, tube, 2 pruned": (None, 48.17, 49.64, None),
    "base, tube, 4 pruned": (None, 47.83, 49.25, None),
    "base, tube, 6 pruned": (None, 49.35, 51.56, None),
}
columns = ("linear, frozen", "CNN, frozen", "UNet, frozen", "CNN, full")
paper = {
    row: {column: value for column, value in zip(columns, values, strict=True) if value is not None}
    for row, values in figures.items()
}
paper["base, from scratch"] = {"linear, full": 46.51}
paper["large, from scratch"] = {"linear, full": 35.51}
paper["Mask2Former, Swin-S"] = {"from scratch": 53.01}
