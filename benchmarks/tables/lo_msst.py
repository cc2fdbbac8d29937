"""LO-SST paper, Tables 4 to 6: random against tube masking, heads, frozen against full fine-tuning, pruned layers."""

title = "LO-MSST on EnMAP Potsdam: masking, head, frozen or full fine-tuning, pruned layers"
protocol = (
    "The published csv split (14 training, 2 test tiles of 32x32 pixels, 660 labelled test pixels), seeds 0, 1, 2 of "
    "the fine-tuning, one pretraining a row (200 epochs on the training tiles). SST Base, patches of 8x8x16; "
    "100 epochs, last checkpoint. Pruned: in pretraining, every 10 epochs; they stay pruned in fine-tuning."
)
metric = "OA"
seeds = (0, 1, 2)


def finetune(head, frozen, pretrained=True):
    options = {"model.frozen": True} if frozen else {}
    if pretrained:
        options["model.backbone.init_cfg.checkpoint"] = "{checkpoint}"
    else:
        options.update({"model.backbone.init_cfg": None, "optim_wrapper.paramwise_cfg": None})
    return dict(config=f"configs/lo_msst/lo-msst-ft_sst-base-p8q16_{head}_enmap-potsdam.py", options=options)


def row(variant="", options=None, columns=("CNN, frozen", "CNN, full")):
    config = f"configs/lo_msst/lo-msst{variant}_sst-base-p8.py"
    pretrain = dict(config=config, dataset="enmap-potsdam", options=options or {}, seeded=False)
    cells = {
        "linear, frozen": [pretrain, finetune("linear", True)],
        "CNN, frozen": [pretrain, finetune("cnn", True)],
        "CNN, full": [pretrain, finetune("cnn", False)],
    }
    return {name: cells[name] for name in columns}


rows = {
    "no pretraining": {"CNN, full": [finetune("cnn", False, pretrained=False)]},
    "random": row(columns=("linear, frozen", "CNN, frozen", "CNN, full")),
    "tube": row(options={"model.masking.type": "TubeMasking"}),
}
rows |= {f"random, {k} of 8 pruned": row("-pruned", {"default_hooks.pruning.num_layers": k}) for k in (2, 4, 6)}
