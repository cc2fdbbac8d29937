"""What helps a network that sees windows, one change at a time: the 2-D CNN, and what helped most on other scenes."""

title = "What helps a small network: augmentations, averaged weights, brightness-free spectra, channels"
protocol = (
    "Published splits: 20 or 5 random pixels a class, seeds 0 to 4; spatially disjoint blocks, seeds 0 to 7; on EnMAP, "
    "whose 18 tiles are put together, the same rules. The 2-D CNN of the comparison (windows of 9x9, 100 epochs, last "
    "checkpoint, averaged over symmetries), and one change a row, or several that are named; none was chosen. It sees "
    "the bands, of RGB mean and standard deviation within each pixel of the cube, or the finer pixels through a branch "
    "of their own; two scales: also 27x27 pixels as 9x9 means. Channels: all of SceneChannels in place of the bands, "
    "made of the whole scene without labels."
)
metric = "OA"
reference = "as it is"
beside = {"classical": ("extra trees", "mean of all five")}
page = "docs/results_classification.md"
seeds = (0, 1, 2, 3, 4)
houston = {
    f"Houston crop, {name}": f"houston2018-crop_{protocol}"
    for name, protocol in (("20 a class", "20-per-class"), ("5 a class", "5-per-class"), ("disjoint", "disjoint"))
}
others = {
    f"{name}, {protocol.replace('-per-class', ' a class')}": f"{scene}_{protocol}"
    for name, scene, protocols in (
        ("Salinas-A", "salinas-a", ("20-per-class", "5-per-class", "disjoint")),
        ("EnMAP", "enmap-potsdam-scene", ("20-per-class", "disjoint")),
    )
    for protocol in protocols
}
rgb = {name.replace(",", ", HSI + RGB,"): data.replace("crop", "crop-rgb") for name, data in houston.items()}
columns = houston | rgb | others
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def augments(*between, gain=0.1):
    """Those of the config, with another gain and offset and what else comes before the noise."""
    shift = [dict(type="BatchGainOffset", gain=gain, offset=gain)] if gain else []
    steps = [dict(type="BatchDihedral"), *shift, *between, dict(type="BatchNoise", std=0.05)]
    return {"model.data_preprocessor.augments": steps}


def scene(transform):
    """A step before the network, in training and in the test."""
    return {f"{loader}_dataloader.dataset.transforms": [transform] for loader in ("train", "test")}


changes = {
    "as it is": {},
    "no gain, no offset": augments(gain=0),
    "gain and offset five times as strong": augments(gain=0.5),
    "spectra of unit length": scene(dict(type="UnitSpectra")),
    "a fifth of the bands dropped": augments(dict(type="BatchBandDropout", ratio=0.2)),
    "a fifth of the groups of 8 bands dropped": augments(dict(type="BatchBandDropout", ratio=0.2, group=8)),
    "mixup": {"model.mixup": True},
    "averaged weights": {"default_hooks.ema": dict(type="EMAHook", momentum=0.02)},
    "on the channels": scene(dict(type="SceneChannels")),
}
unit = "spectra of unit length"


def row(config, options, columns):
    return {
        name: [dict(config=f"configs/comparison/{config}.py", dataset=data, options=options)]
        for name, data in columns.items()
    }


rows = {name: row("cnn2d", options, houston) for name, options in changes.items()} | {
    "as it is": row("cnn2d", {}, columns),
    unit: row("cnn2d", changes[unit], houston | others),
    "windows of two scales": row("cnn2d-multiscale", {}, houston),
    f"two scales, {unit}": row("cnn2d-multiscale-unit", {}, houston | others),
    f"RGB at its own resolution, two scales, {unit}": row("cnn2d-multiscale-two-sources-unit", {}, rgb),
}
