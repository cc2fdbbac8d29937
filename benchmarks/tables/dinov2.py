"""Does self-distillation beat masked autoencoding? MAE and DINOv2 on the same windows, and untrained networks."""

title = "MAE, DINOv2 and no pretraining: features of one scene"
protocol = (
    "Pretraining without labels, of every seed its own: 30 epochs of the Houston crop's windows (7 steps each), 20 of "
    "the EnMAP Potsdam training tiles' (4 steps each). `tiny`: 128 wide, 4 layers, the dual encoder twice that. Linear "
    "probe and 20 nearest neighbours: frozen tokens, the centre's of a 9x9 window (Houston, the fixed splits of 20 "
    "pixels a class) or every labelled pixel's (EnMAP, 14 training and 2 test tiles with 660 labelled pixels; the "
    "probe's folds are whole tiles). Linear head: all weights trained, 100 epochs on Houston, 50 on EnMAP, last "
    "checkpoint. Seeds 0, 1, 2."
)
metric = "OA"
seeds = (0, 1, 2)

scenes = {"Houston": "houston2018-crop", "EnMAP": "enmap-potsdam"}
tasks = {"hsi-vit": {}, "spatial-spectral-vit": {}}
for backbone, names in tasks.items():
    names["Houston"] = f"configs/dinov2/dinov2-ft_{backbone}-tiny-p3.py"
    names["EnMAP"] = f"configs/dinov2/dinov2-ft_{backbone}-tiny-p1_linear_enmap-potsdam.py"

# Fewer epochs than the configs', for the sake of the CPU; a tenth of them warms the learning rate up.
epochs = {"Houston": 30, "EnMAP": 20}
head_epochs = {"Houston": 100, "EnMAP": 50}


def schedule(total, distilled):
    short = {
        "train_cfg.max_epochs": total,
        "param_scheduler.0.end": total // 10,
        "param_scheduler.1.begin": total // 10,
        "param_scheduler.1.end": total,
    }
    # Weight decay, and the warm-up of the teacher's temperature.
    return (
        {**short, "param_scheduler.2.end": total, "custom_hooks.6.warmup_epochs": total * 3 // 10}
        if distilled
        else short
    )


def probe(config, method, pretrain, prefix):
    weights = ["{checkpoint}", "--prefix", prefix] if pretrain else []
    words = ["--methods", method, "--seed", "{seed}", "--out", "{out}"]
    return [*pretrain, dict(command=["tools/analysis/probe_features.py", config, *weights, *words])]


def finetune(config, total, pretrain, prefix):
    length = {"train_cfg.max_epochs": total, "param_scheduler.1.end": total}
    init = {"model.backbone.init_cfg.checkpoint": "{checkpoint}", "model.backbone.init_cfg.prefix": prefix}
    return [
        *pretrain,
        dict(config=config, options={**length, **(init if pretrain else {"model.backbone.init_cfg": None})}),
    ]


def row(backbone, algorithm=None, prefix=""):
    cells = {}
    for scene, data in scenes.items():
        config = tasks[backbone][scene]
        pretrain = []
        if algorithm:
            name = f"configs/dinov2/{algorithm}_{backbone}-tiny.py"
            options = schedule(epochs[scene], algorithm == "dinov2")
            pretrain = [dict(config=name, dataset=data, options=options)]
        cells[f"{scene}, linear probe"] = probe(config, "linear", pretrain, prefix)
        cells[f"{scene}, k-NN"] = probe(config, "knn", pretrain, prefix)
        cells[f"{scene}, linear head"] = finetune(config, head_epochs[scene], pretrain, prefix)
    return cells


rows = {
    "HSIViT, untrained or from scratch": row("hsi-vit"),
    "HSIViT, MAE": row("hsi-vit", "mae", "backbone."),
    "HSIViT, DINOv2": row("hsi-vit", "dinov2", "teacher.backbone."),
    "dual encoder, untrained or from scratch": row("spatial-spectral-vit"),
    "dual encoder, DINOv2": row("spatial-spectral-vit", "dinov2", "teacher.backbone."),
}
