"""IMAE paper: from scratch, pretrained on the scene itself, pretrained on other scenes with the input layer swapped."""

title = "IMAE: from scratch, pretrained on the scene, pretrained on other scenes"
protocol = (
    "Published splits, seeds 0 to 4, of the disjoint blocks 0 to 7: "
    "20 or 5 random pixels a class, or spatially disjoint blocks (windows of 9x9). `tiny` "
    "(width 64); of RGB mean and standard deviation within each pixel of the cube; one "
    "pretraining a row, without labels: on the scene at three window sizes, or on the seven `abu` scenes, of which all "
    "weights but the input layer are taken over; last checkpoint."
)
metric = "OA"
reference = "from scratch"
beside = {"classical": ("extra trees",)}
page = "docs/results_pretraining.md"
seeds = (0, 1, 2, 3, 4)
alone = {
    "Houston crop, 20 a class": "houston2018-crop_20-per-class",
    "Houston crop, 5 a class": "houston2018-crop_5-per-class",
    "Houston crop, disjoint": "houston2018-crop_disjoint",
    "Salinas-A, 20 a class": "salinas-a_20-per-class",
    "Salinas-A, 5 a class": "salinas-a_5-per-class",
    "Salinas-A, disjoint": "salinas-a_disjoint",
}
columns = alone | {
    name.replace("crop", "crop, HSI + RGB"): data.replace("crop", "crop-rgb")
    for name, data in alone.items()
    if "crop" in data
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}

checkpoint = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}


def pretrain(data):
    return dict(config="configs/imae/imae_imae-vit-tiny.py", dataset=data, seeded=False)


def finetuned(data):
    finetune = dict(config="configs/imae/imae-ft_imae-vit-tiny.py", dataset=data, options=checkpoint)
    return [pretrain(data.split("_")[0]), finetune]


rows = {
    "from scratch": {
        name: [dict(config="configs/imae/imae-vit-tiny.py", dataset=data)] for name, data in columns.items()
    },
    "pretrained on the scene": {name: finetuned(data) for name, data in columns.items()},
    "pretrained on abu, input layer new": {
        name: [
            dict(config="configs/imae/imae_imae-vit-tiny_abu.py", seeded=False),
            dict(config="configs/imae/imae-ft-abu_imae-vit-tiny.py", dataset=data, options=checkpoint),
        ]
        for name, data in alone.items()
    },
}
