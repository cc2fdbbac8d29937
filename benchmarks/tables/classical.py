"""Classical classifiers on the channels of a pixel's surroundings, with and without a finer second source."""

title = "Classical classifiers on scene channels"
protocol = (
    "Published splits: 20 or 5 random pixels a class, seeds 0 to 4; spatially disjoint blocks, seeds 0 to 7. Scaling, "
    "principal components, words and channels use the whole scene without labels; nothing was tuned on a test pixel. "
    "On EnMAP, whose 18 tiles are put together, the same rules, with tiles for blocks."
)
metric = "OA"
reference = "extra trees"
page = "docs/results_classification.md"
seeds = (0, 1, 2, 3, 4)
protocols = ("20-per-class", "5-per-class", "disjoint")
scenes = {
    "Houston crop, HSI + RGB": "houston2018-crop-rgb",
    "Houston crop": "houston2018-crop",
    "Salinas-A": "salinas-a",
}
columns = {
    f"{name}, {protocol.replace('-per-class', ' a class')}": f"{scene}_{protocol}"
    for name, scene in scenes.items()
    for protocol in protocols
} | {"EnMAP, 20 a class": "enmap-potsdam-scene_20-per-class", "EnMAP, disjoint": "enmap-potsdam-scene_disjoint"}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def row(config):
    return {name: [dict(config=f"configs/classical/{config}.py", dataset=dataset)] for name, dataset in columns.items()}


rows = {
    "extra trees": row("extra-trees"),
    "mean of all five": row("mean"),
    "extra trees, strictly inside 9x9": row("extra-trees_local"),
    "LDA": row("lda"),
    "SVM": row("svm"),
    "MLP": row("mlp"),
    "random forest": row("random-forest"),
}
