"""Do longer schedules and views of different scale pay? SS-MAE, IMAE and DINOv2 on the Houston crop."""

title = "Longer pretraining, and views of different scale: SS-MAE, IMAE, DINOv2"
protocol = (
    "Houston crop; published splits: 20 or 5 random pixels a class, seeds 0 to 4; spatially disjoint blocks, "
    "seeds 0 to 7. `tiny`; SS-MAE (windows of 7x7, MRS) and IMAE (9x9) see HSI and the finer RGB picture, DINOv2 "
    "(HSIViT, 9x9) HSI alone. One pretraining a row on the whole scene, without labels; then all weights are "
    "trained with the labels, as the configs do. Long: 400 epochs of SS-MAE and IMAE, 300 of DINOv2; the configs' "
    "have 20, 20 and 100. Wider views are cut from windows of 48 pixels in place of 24: global ones from 14 to "
    "100 % of it, local ones from 3.5 to 30 %."
)
metric = "OA"
reference = "from scratch"
beside = {"classical": ("extra trees", "mean of all five")}
page = "docs/results_pretraining.md"
seeds = (0, 1, 2, 3, 4)
protocols = ("20-per-class", "5-per-class", "disjoint")


def schedule(epochs, warm):
    """Options of a longer or shorter pretraining."""
    return {
        "train_cfg.max_epochs": epochs,
        "param_scheduler.0.end": warm,
        "param_scheduler.1.begin": warm,
        "param_scheduler.1.end": epochs,
    }


def dinov2(**options):
    """Of 300 epochs: weight decay and the teacher's temperature too."""
    return dict(
        config="configs/dinov2/dinov2_hsi-vit-tiny.py",
        options={
            **schedule(300, 30),
            "param_scheduler.2.end": 300,
            "custom_hooks.6.warmup_epochs": 90,
            **{f"train_dataloader.dataset.{key}": value for key, value in options.items()},
        },
    )


def wide():
    """Crops of a window of 48 pixels: from native resolution to a third of it."""
    views = "pipeline.1.transforms"
    scales = {f"{views}.{view}.0.scale": (0.14, 1.0) for view in (0, 1)}
    return dinov2(window=48, stride=6, **scales, **{f"{views}.2.0.scale": (0.035, 0.3)})


ss_mae = dict(config="configs/ss_mae/ss-mae-mrs_vit-tiny-w7.py")
imae = dict(config="configs/imae/imae_imae-vit-tiny.py")
networks = {
    "SS-MAE": ("configs/ss_mae/ss-mae-mrs-ft_vit-tiny-w7.py", "houston2018-crop-rgb"),
    "IMAE": ("configs/imae/imae-ft_imae-vit-tiny.py", "houston2018-crop-rgb"),
    "DINOv2": ("configs/dinov2/dinov2-ft_hsi-vit-tiny-p3.py", "houston2018-crop"),
}
columns = {
    f"{network}, {protocol.replace('-per-class', ' a class')}": (network, protocol)
    for network in networks
    for protocol in protocols
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def chains(pretraining):
    """Of every column whose network has such a pretraining; None: from scratch."""
    cells = {}
    for name, (network, protocol) in columns.items():
        config, scene = networks[network]
        options = {"model.backbone.init_cfg": None}
        before = []
        if pretraining is None and network == "DINOv2":
            options["optim_wrapper.paramwise_cfg"] = None  # the tenth of the head's rate is for a pretrained encoder
        elif pretraining is not None:
            if network not in pretraining:
                continue
            before = [dict(pretraining[network], dataset=scene, seeded=False)]
            options = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
        cells[name] = [*before, dict(config=config, dataset=f"{scene}_{protocol}", options=options)]
    return cells


rows = {
    "from scratch": chains(None),
    "pretrained long": chains(
        {
            "SS-MAE": dict(ss_mae, options=schedule(400, 20)),
            "IMAE": dict(imae, options=schedule(400, 20)),
            "DINOv2": dinov2(),
        }
    ),
    "pretrained long, wider views": chains({"DINOv2": wide()}),
}
