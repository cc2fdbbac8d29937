"""The comparison models of the papers' tables, and classical classifiers, on the same splits and with one metric."""

title = "Comparison models"
protocol = (
    "20 or 5 random pixels a class, seeds 0 to 4, or spatially disjoint blocks, seeds 0 to 7: published splits; on "
    "EnMAP, whose 18 tiles are put together, the same rules, with tiles for blocks. Networks: windows of 9x9, 100 "
    "epochs, last checkpoint, augmentation, label smoothing and averaging over symmetries as in every model here. "
    "Forest and SVM: configs/classical on channels of that name, untuned; scaling, principal components and "
    "morphological profiles (EMP) use the whole scene without labels. MAEST and SS-MTr are pretrained on the scene "
    "without labels, the others are not."
)
metric = ("OA", "AA", "Kappa")
seeds = (0, 1, 2, 3, 4)
columns = {
    "Houston crop, 20 a class": "houston2018-crop_20-per-class",
    "Houston crop, 5 a class": "houston2018-crop_5-per-class",
    "Houston crop, disjoint": "houston2018-crop_disjoint",
    "Salinas-A, 20 a class": "salinas-a_20-per-class",
    "Salinas-A, 5 a class": "salinas-a_5-per-class",
    "Salinas-A, disjoint": "salinas-a_disjoint",
    "EnMAP, 20 a class": "enmap-potsdam-scene_20-per-class",
    "EnMAP, disjoint": "enmap-potsdam-scene_disjoint",
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}
with_rgb = {name: data.replace("crop_", "crop-rgb_") for name, data in columns.items() if "crop" in data}


reference = "extra trees, all channels"
page = "docs/results_classification.md"


def classical(model, *groups, columns=columns):
    words = f"[{','.join(groups)}]"
    options = {f"{loader}_dataloader.dataset.transforms.0.groups": words for loader in ("train", "test")}
    step = dict(config=f"configs/classical/{model}.py", **({"options": options} if groups else {}))
    return {name: [dict(step, dataset=data)] for name, data in columns.items()}


def network(model, columns):
    return {name: [dict(config=f"configs/comparison/{model}.py", dataset=data)] for name, data in columns.items()}


def pretrained(pretraining, finetuning):
    return {
        name: [
            dict(config=f"configs/comparison/{pretraining}.py", dataset=data.partition("_")[0], seeded=False),
            dict(
                config=f"configs/comparison/{finetuning}.py",
                dataset=data,
                options={"model.backbone.init_cfg.checkpoint": "{checkpoint}"},
            ),
        ]
        for name, data in columns.items()
    }


rows = {
    "extra trees, all channels": classical("extra-trees"),
    "extra trees, all channels, HSI + RGB": classical("extra-trees", columns=with_rgb),
    "random forest, spectra": classical("random-forest", "spectra"),
    "SVM, spectra": classical("svm", "spectra"),
    "SVM, Gaussian means": classical("svm", "ms"),
    "SVM, spectra + EMP": classical("svm", "spectra", "emp"),
    "GRU over bands": network("gru", columns),
    "1-D CNN": network("cnn1d", columns),
    "2-D CNN": network("cnn2d", columns),
    "2-D CNN, HSI + RGB": network("cnn2d", with_rgb),
    "3-D CNN": network("cnn3d", columns),
    "plain ViT": network("hsi-vit-tiny-p1", columns),
    "SSTN": network("sstn", columns),
    "ExViT, HSI + RGB": network("exvit", with_rgb),
    "HiT": network("hit", columns),
    "MAEST": pretrained("maest", "maest-ft"),
    "SS-MTr": pretrained("ss-mtr_hsi-vit-tiny-p3", "ss-mtr-ft_hsi-vit-tiny-p3"),
}
