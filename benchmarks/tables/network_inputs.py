"""What a network sees, beyond the 2-D CNN: the same changes of the input in the package's other networks."""

title = "What other networks gain from the same inputs"
protocol = (
    "Houston crop, 48 bands; published splits, spatially disjoint blocks, seeds 0 to 7. `tiny`, 100 epochs from "
    "scratch, last checkpoint, averaged over symmetries; windows of 9x9 (SS-MAE: 7x7), of HSIViT in patches of 3x3 "
    "pixels, of SST also of 6 bands; two scales: also 27x27 pixels as 9x9 means. One change a row, or two that are "
    "named; none was chosen."
)
metric = "OA"
reference = "as it is"
beside = {"classical": ("extra trees", "mean of all five")}
page = "docs/results_classification.md"
seeds = tuple(range(8))

data = "houston2018-crop_disjoint"
vit = "configs/comparison/hsi-vit-tiny-p1.py"
networks = {
    "HSIViT": (vit, dict(type="HSIViT", arch="tiny", patch_size=3)),
    "SST": (vit, dict(type="SST", arch="tiny", patch_size=3, bands_per_block=6)),
    "IMAE": ("configs/imae/imae-vit-tiny.py", dict(type="IMAEViT", arch="tiny", with_ins_token=True)),
    "SS-MAE": ("configs/ss_mae/ss-mae-mrs-ft_vit-tiny-w7.py", dict(type="SSMAEFusion", arch="tiny", window=7)),
}
columns = dict.fromkeys(networks, data)


def on(*transforms):
    """Steps before the network, in training and in the test."""
    return {f"{loader}_dataloader.dataset.transforms": list(transforms) for loader in ("train", "test")}


def scales(backbone):
    both = dict(_delete_=True, type="MultiScaleWindows", scales=(1, 3), backbone=backbone)
    return {"model.backbone": both, **{f"{loader}_dataloader.dataset.window": 27 for loader in ("train", "test")}}


def row(options, chosen=tuple(networks)):
    cells = {}
    for name in chosen:
        config, backbone = networks[name]
        own = {"model.backbone": dict(backbone, _delete_=True)}
        more = options(backbone) if callable(options) else options
        cells[name] = [dict(config=config, dataset=data, options=own | more)]
    return cells


unit = on(dict(type="UnitSpectra"))
rows = {
    "as it is": row({}),
    "spectra of unit length": row(unit),
    "two scales, spectra of unit length": row(lambda backbone: unit | scales(backbone), ("HSIViT",)),
}
