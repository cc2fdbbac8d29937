"""What decides whether masked autoencoding pays: length, windows, width, the way of fine-tuning, brightness."""

title = "MAE on the Houston crop: one choice at a time"
protocol = (
    "Houston crop, 48 bands; published splits, spatially disjoint blocks, seeds 0 to 7. HSIViT `tiny` (128 wide, 4 "
    "layers), patches of 3x3 pixels, windows of 9x9. One pretraining a row on the whole scene, without labels: 20 "
    "epochs (1,280 steps of 256 windows), 75 % hidden. Then 100 epochs with the labels, the encoder at a tenth of the "
    "head's learning rate; from scratch at the head's. Last checkpoint, without averages over symmetries. One change a "
    "row; none was chosen."
)
metric = "OA"
reference = "from scratch"
beside = {"classical": ("extra trees", "mean of all five")}
page = "docs/results_pretraining.md"
seeds = tuple(range(8))

column, data = "Houston crop, disjoint", "houston2018-crop_disjoint"
narrow = {
    "model.backbone.arch": dict(_delete_=True, embed_dims=64, num_layers=2, num_heads=4, feedforward_channels=256)
}
one_rate = {"optim_wrapper.paramwise_cfg": None}
by_layer = {
    "optim_wrapper.constructor": "LayerDecayOptimWrapperConstructor",
    "optim_wrapper.paramwise_cfg": dict(_delete_=True, layer_decay_rate=0.65),
}


def unit(*loaders):
    return {f"{loader}_dataloader.dataset.transforms": [dict(type="UnitSpectra")] for loader in loaders}


def finetuned(**options):
    config = "configs/mae/mae-ft_hsi-vit-tiny-p3.py"
    return [dict(config=config, dataset=data, options={"model.tta": False, **options})]


def scratch(**options):
    return {column: finetuned(**{"model.backbone.init_cfg": None, **one_rate, **options})}


def pretrained(before=(), **options):
    first = dict(
        config="configs/mae/mae_hsi-vit-tiny-p3.py", dataset="houston2018-crop", options=dict(before), seeded=False
    )
    return {column: [first, *finetuned(**{"model.backbone.init_cfg.checkpoint": "{checkpoint}", **options})]}


epochs = {
    "train_cfg.max_epochs": 60,
    "param_scheduler.0.end": 6,
    "param_scheduler.1.begin": 6,
    "param_scheduler.1.end": 60,
}
# As many steps, and as many pixels in each.
large = {
    f"train_dataloader.{key}": value
    for key, value in {"batch_size": 64, "dataset.window": 18, "dataset.stride": 2}.items()
}
rows = {
    "from scratch": scratch(),
    "MAE": pretrained(),
    "MAE, 60 epochs": pretrained(epochs),
    "MAE, windows of 18x18": pretrained(large),
    "MAE, rates falling by 0.65 a layer": pretrained(**by_layer),
    "MAE, encoder frozen": pretrained(**{"model.frozen": True}),
    "64 wide, 2 layers, from scratch": scratch(**narrow),
    "64 wide, 2 layers, MAE": pretrained(narrow, **narrow),
    "spectra of unit length, from scratch": scratch(**unit("train", "test")),
    "spectra of unit length, MAE": pretrained(unit("train", "val", "test"), **unit("train", "test")),
}
