"""MRS paper, Tables 1 and 2, on its data, which are to be downloaded: ExViT beside SS-MAE; for GPUs."""

title = "Berlin and Houston 2018: ExViT and SS-MAE"
protocol = (
    "The published training and test pixels, both sources, windows of 7x7. ExViT: 100 epochs from scratch, "
    "augmentation and label smoothing as in every model here, where the paper has its authors' recipe. SS-MAE: one "
    "pretraining a row on the whole scene without labels, then 100 epochs of fine-tuning; last checkpoint, where the "
    "public code picks the best epoch on the test pixels."
)
metric = "OA"
seeds = (0, 1, 2)
columns = {"Berlin": "berlin", "Houston 2018": "houston2018"}


def finetune(kind, data, checkpoint):
    options = {"model.backbone.init_cfg": None}
    if checkpoint:
        options = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
    return dict(config=f"configs/ss_mae/ss-mae-{kind}-ft_vit-base-w7.py", dataset=data, options=options)


def chain(kind, data):
    pretrain = dict(config=f"configs/ss_mae/ss-mae-{kind}_vit-base-w7.py", dataset=data, seeded=False)
    return [pretrain, finetune(kind, data, checkpoint=True)]


rows = {
    "ExViT": {
        name: [dict(config="configs/comparison/exvit.py", dataset=data, options={"model.backbone.window": 7})]
        for name, data in columns.items()
    },
    "SS-MAE, no pretraining": {name: [finetune("mrs", data, checkpoint=False)] for name, data in columns.items()},
    "SS-MAE, random bands": {name: chain("random", data) for name, data in columns.items()},
    "SS-MAE, MRS": {name: chain("mrs", data) for name, data in columns.items()},
}
figures = dict(zip(rows, ((72.63, 91.87), (71.15, 91.91), (73.43, 92.43), (74.51, 92.87)), strict=True))
paper = {row: dict(zip(columns, values, strict=True)) for row, values in figures.items()}
