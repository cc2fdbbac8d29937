"""How many labels a scene needs: the same methods with 1 to 200 training pixels a class."""

title = "From 1 to 200 labels a class"
protocol = (
    "Houston crop, 48 bands, 10 classes of 135 to 1,635 labelled pixels. N random training pixels a class (of a class "
    "of fewer than 2 N pixels half of them), all other labelled pixels test: seeds 0 to 4; for 5 and 20 a class these "
    "are the published splits. Disjoint: blocks of 16x16 pixels train or test, up to N pixels a class of the training "
    "blocks, no test pixel in a 9x9 window of a training pixel: seeds 0 to 7, drawn for each N, not the published "
    "blocks. Models and channels as in the other tables; one thing was chosen on other draws of this scene and of "
    "Salinas-A, how LDA, and so the U-Net's last layer, weighs features with 1 and 2 labels a class. Channels, words "
    "and pretraining use the whole scene without labels."
)
metric = "OA"
reference = "extra trees"
page = "docs/results_classification.md"
seeds = (0, 1, 2, 3, 4)
scene = "houston2018-crop_20-per-class"


def split(type, per_class, **more):
    made = dict(_delete_=True, type=type, per_class=per_class, **more)
    return {f"{loader}_dataloader.dataset.split": made for loader in ("train", "test")}


random = {f"{count} a class": split("FewShotSplit", count) for count in (1, 2, 5, 10, 20, 50, 100, 200)}
disjoint = {
    f"disjoint, up to {count} a class": split("DisjointSplit", count, window=9, block=16) for count in (5, 20, 200)
}
columns = random | disjoint
more_seeds = {name: tuple(range(8)) for name in disjoint}


def channels(model, *groups, dataset=scene):
    words = f"[{','.join(groups)}]"
    some = {f"{loader}_dataloader.dataset.transforms.0.groups": words for loader in ("train", "test")} if groups else {}
    config = f"configs/classical/{model}.py"
    return {name: [dict(config=config, dataset=dataset, options=some | own)] for name, own in columns.items()}


def pretrained():
    folder = "configs/channel_prediction"
    parts = ("model.backbone.init_cfg.checkpoint", "model.neck.init_cfg.checkpoint")
    before = dict(config=f"{folder}/channel-prediction_unet.py", dataset=scene.partition("_")[0], seeded=False)
    after = dict(config=f"{folder}/channel-prediction-ft_unet.py", dataset=scene)
    weights = dict.fromkeys(parts, "{checkpoint}")
    return {name: [before, dict(after, options=weights | own)] for name, own in columns.items()}


def network(config, names):
    return {name: [dict(config=config, dataset=scene, options=columns[name])] for name in names}


rows = {
    "extra trees": channels("extra-trees"),
    "extra trees, HSI + RGB": channels("extra-trees", dataset=scene.replace("crop_", "crop-rgb_")),
    "LDA": channels("lda"),
    "SVM": channels("svm"),
    "SVM, spectra": channels("svm", "spectra"),
    "U-Net pretrained on the channels": pretrained(),
    "2-D CNN, two scales, spectra of unit length": network(
        "configs/comparison/cnn2d-multiscale-unit.py",
        ("5 a class", "20 a class", "50 a class", "200 a class", *disjoint),
    ),
}
