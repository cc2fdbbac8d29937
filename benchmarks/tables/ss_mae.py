"""MRS paper, Tables 1 and 2: SS-MAE without pretraining, pretrained with random bands hidden, and with MRS."""

title = "SS-MAE: does pretraining help, and does MRS help more than random bands?"
protocol = (
    "Published splits, seeds 0 to 4, of the disjoint blocks 0 to 7: "
    "20 or 5 random pixels a class, or spatially disjoint blocks. Of RGB mean and standard deviation within each pixel "
    "of the cube. `tiny` (width 64), windows of "
    "7x7; one pretraining a row on the whole scene without labels; last checkpoint."
)
metric = "OA"
reference = "no pretraining"
beside = {"classical": ("extra trees",)}
page = "docs/results_pretraining.md"
seeds = (0, 1, 2, 3, 4)
columns = {
    "Houston crop, HSI + RGB, 20 a class": "houston2018-crop-rgb_20-per-class",
    "Houston crop, HSI + RGB, 5 a class": "houston2018-crop-rgb_5-per-class",
    "Houston crop, HSI + RGB, disjoint": "houston2018-crop-rgb_disjoint",
    "Salinas-A, 20 a class": "salinas-a_20-per-class",
    "Salinas-A, 5 a class": "salinas-a_5-per-class",
    "Salinas-A, disjoint": "salinas-a_disjoint",
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def finetune(kind, data, **options):
    return dict(config=f"configs/ss_mae/ss-mae-{kind}-ft_vit-tiny-w7.py", dataset=data, options=options)


def chain(kind, data):
    pretrain = dict(config=f"configs/ss_mae/ss-mae-{kind}_vit-tiny-w7.py", dataset=data.split("_")[0], seeded=False)
    return [pretrain, finetune(kind, data, **{"model.backbone.init_cfg.checkpoint": "{checkpoint}"})]


rows = {
    "no pretraining": {
        name: [finetune("mrs", data, **{"model.backbone.init_cfg": None})] for name, data in columns.items()
    },
    "spectral masking: random": {name: chain("random", data) for name, data in columns.items()},
    "spectral masking: MRS": {name: chain("mrs", data) for name, data in columns.items()},
}
