"""Does self-distillation beat masked autoencoding? MAE and DINOv2 on the same windows, and untrained networks."""

title = "MAE, DINOv2 and no pretraining: features of one scene"
protocol = (
    "Pretraining without labels, of every seed its own: 30 epochs of the Houston crop's windows (7 steps each) or of "
    "the EnMAP Potsdam training tiles' (4 steps each). `tiny`: 128 wide, 4 layers, the dual encoder twice that. Linear "
    "probe and 20 nearest neighbours: frozen tokens, the centre's of a 9x9 window (Houston, the fixed splits of 20 "
    "pixels a class) or every labelled pixel's (EnMAP, 14 training and 2 test tiles with 660 labelled pixels). Linear "
    "head: all weights trained, 100 epochs on Houston, 200 on EnMAP, last checkpoint. Seeds 0, 1, 2."
)
metric = "OA"
seeds = (0, 1, 2)

scenes = {"Houston": ("p3", "houston2018-crop"), "EnMAP": ("p1", "enmap-potsdam")}
tasks = {"hsi-vit": {}, "spatial-spectral-vit": {}}
for backbone, names in tasks.items():
    names["Houston"] = f"configs/dinov2/dinov2-ft_{backbone}-tiny-p3_houston2018-crop_20-per-class.py"
    names["EnMAP"] = f"configs/dinov2/dinov2-ft_{backbone}-tiny-p1_linear_enmap-potsdam.py"

# A tenth of the epochs warms the learning rate up, as in the configs of 100.
short = {
    "train_cfg.max_epochs": 30,
    "param_scheduler.0.end": 3,
    "param_scheduler.1.begin": 3,
    "param_scheduler.1.end": 30,
}
distilled = {**short, "param_scheduler.2.end": 30, "custom_hooks.3.warmup_epochs": 9}


def probe(config, method, pretrain, prefix):
    weights = ["{checkpoint}", "--prefix", prefix] if pretrain else []
    words = ["--methods", method, "--seed", "{seed}", "--out", "{out}"]
    return [*pretrain, dict(command=["tools/analysis/probe_features.py", config, *weights, *words])]


def finetune(config, pretrain, prefix):
    init = {"model.backbone.init_cfg.checkpoint": "{checkpoint}", "model.backbone.init_cfg.prefix": prefix}
    return [*pretrain, dict(config=config, options=init if pretrain else {"model.backbone.init_cfg": None})]


def row(backbone, algorithm=None, options=None, prefix=""):
    cells = {}
    for scene, (patch, data) in scenes.items():
        config = tasks[backbone][scene]
        pretrain = []
        if algorithm:
            name = f"configs/dinov2/{algorithm}_{backbone}-tiny-{patch}_{data}.py"
            pretrain = [dict(config=name, options=options)]
        cells[f"{scene}, linear probe"] = probe(config, "linear", pretrain, prefix)
        cells[f"{scene}, k-NN"] = probe(config, "knn", pretrain, prefix)
        cells[f"{scene}, linear head"] = finetune(config, pretrain, prefix)
    return cells


rows = {
    "HSIViT, untrained or from scratch": row("hsi-vit"),
    "HSIViT, MAE": row("hsi-vit", "mae", short, "backbone."),
    "HSIViT, DINOv2": row("hsi-vit", "dinov2", distilled, "teacher.backbone."),
    "dual encoder, untrained or from scratch": row("spatial-spectral-vit"),
    "dual encoder, DINOv2": row("spatial-spectral-vit", "dinov2", distilled, "teacher.backbone."),
}
