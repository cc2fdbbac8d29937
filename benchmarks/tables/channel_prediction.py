"""Does pretraining without labels pay, where the network sees the whole scene and predicts its channels?"""

title = "A U-Net over the whole scene, from scratch and pretrained by predicting scene channels"
protocol = (
    "Published splits: 20 or 5 random pixels a class, seeds 0 to 4; spatially disjoint blocks, seeds 0 to 7; on "
    "EnMAP, whose 18 tiles are put together, the same rules. The whole scene a "
    "step, classes at the training pixels alone; 200 steps from scratch. One pretraining of 1,000 steps a "
    "scene, without labels; then nothing but the last layer is fitted, a shrunk linear discriminant analysis. Scores "
    "averaged over the 8 symmetries."
)
metric = "OA"
reference = "from scratch"
beside = {"classical": ("extra trees", "mean of all five")}
page = "docs/results_pretraining.md"
seeds = (0, 1, 2, 3, 4)
protocols = ("20-per-class", "5-per-class", "disjoint")
scenes = {
    "Houston crop, HSI + RGB": "houston2018-crop-rgb",
    "Houston crop": "houston2018-crop",
    "Salinas-A": "salinas-a",
    "EnMAP Potsdam": "enmap-potsdam-scene",
}
columns = {
    f"{name}, {protocol.replace('-per-class', ' a class')}": f"{scene}_{protocol}"
    for name, scene in scenes.items()
    for protocol in protocols
    if (scene, protocol) != ("enmap-potsdam-scene", "5-per-class")  # which no table has
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def config(name, dataset, **options):
    return dict(config=f"configs/channel_prediction/{name}.py", dataset=dataset, options=options)


def discriminant(dataset, pretrained):
    parts = ("model.backbone.init_cfg", "model.neck.init_cfg")
    if not pretrained:
        return [config("channel-prediction-ft_unet", dataset, **dict.fromkeys(parts))]
    before = dict(config("channel-prediction_unet", dataset.split("_")[0]), seeded=False)
    checkpoint = {f"{part}.checkpoint": "{checkpoint}" for part in parts}
    return [before, config("channel-prediction-ft_unet", dataset, **checkpoint)]


rows = {
    "from scratch": {name: [config("unet", data)] for name, data in columns.items()},
    "encoder untrained, discriminant analysis": {name: discriminant(data, False) for name, data in columns.items()},
    "encoder pretrained, discriminant analysis": {name: discriminant(data, True) for name, data in columns.items()},
}
