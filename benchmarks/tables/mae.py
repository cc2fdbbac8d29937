"""Masked autoencoding as the configs have it, on the scenes and protocols of the first tables."""

title = "MAE: from scratch, and pretrained on the scene"
protocol = (
    "Published splits, seeds 0 to 4, of the disjoint blocks 0 to 7: 20 or 5 random pixels a class, or spatially "
    "disjoint blocks (windows of 9x9). HSIViT `tiny` (128 wide, 4 layers), patches of 3x3 pixels, HSI alone; 100 "
    "epochs with the labels, of a pretrained encoder at a tenth of the head's learning rate. One pretraining of 20 "
    "epochs a scene, without labels; last checkpoint."
)
metric = "OA"
reference = "from scratch"
beside = {"classical": ("extra trees", "mean of all five")}
page = "docs/results_pretraining.md"
seeds = (0, 1, 2, 3, 4)
columns = {
    "Houston crop, 20 a class": "houston2018-crop_20-per-class",
    "Houston crop, 5 a class": "houston2018-crop_5-per-class",
    "Houston crop, disjoint": "houston2018-crop_disjoint",
    "Salinas-A, 20 a class": "salinas-a_20-per-class",
    "Salinas-A, 5 a class": "salinas-a_5-per-class",
    "Salinas-A, disjoint": "salinas-a_disjoint",
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def finetuned(data, **options):
    return dict(config="configs/mae/mae-ft_hsi-vit-tiny-p3.py", dataset=data, options=options)


def pretraining(data):
    return dict(config="configs/mae/mae_hsi-vit-tiny-p3.py", dataset=data.partition("_")[0], seeded=False)


scratch = {"model.backbone.init_cfg": None, "optim_wrapper.paramwise_cfg": None}
checkpoint = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
rows = {
    "from scratch": {name: [finetuned(data, **scratch)] for name, data in columns.items()},
    "MAE": {name: [pretraining(data), finetuned(data, **checkpoint)] for name, data in columns.items()},
}
