"""Does pretraining without labels pay, where its targets are the channels of a pixel's surroundings?"""

title = "A small CNN on windows, from scratch and pretrained by predicting scene channels"
protocol = (
    "Published splits: 20 or 5 random pixels a class, seeds 0 to 4; spatially disjoint blocks, seeds 0 to 7. Windows "
    "of 9x9 of bands and, with RGB, means and spreads of the finer picture within a pixel; 200 steps of 64 windows. "
    "One pretraining of 400 steps of 128 windows a scene, without labels; nothing was tuned on a test pixel."
)
metric = "OA"
seeds = (0, 1, 2, 3, 4)
protocols = ("20-per-class", "5-per-class", "disjoint")
scenes = {"Houston crop, HSI + RGB": "houston2018-crop-rgb", "Salinas-A": "salinas-a"}
columns = {
    f"{name}, {protocol.replace('-per-class', ' a class')}": f"{scene}_{protocol}"
    for name, scene in scenes.items()
    for protocol in protocols
}
more_seeds = {name: tuple(range(8)) for name in columns if "disjoint" in name}


def config(name, dataset, **options):
    return dict(config=f"configs/channel_prediction/{name}.py", dataset=dataset, options=options)


def pretrained(dataset, **options):
    before = dict(config("channel-prediction_cnn2d", dataset.split("_")[0]), seeded=False)
    checkpoint = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
    return [before, config("channel-prediction-ft_cnn2d", dataset, **checkpoint, **options)]


rows = {
    "from scratch": {name: [config("cnn2d", data)] for name, data in columns.items()},
    "pretrained": {name: pretrained(data) for name, data in columns.items()},
}
