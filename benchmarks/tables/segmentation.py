"""Every decode head on encoders of every pretraining, and mmseg's models from scratch, with equal budgets."""

title = "Segmentation: heads, pretraining and mmseg baselines"
protocol = (
    "EnMAP Potsdam: csv split, 14 training and 2 test tiles of 32x32 pixels, 218 bands, 6 classes. Houston crop: left "
    "half for training, right half for test, 8 columns between them, 48 bands, 9 classes. Pretraining without labels "
    "on the training tiles and on the left half alone, 50 epochs of 4 steps, one a row. All weights trained unless "
    "frozen: 100 epochs (400 steps of 4 tiles) and 40 epochs (360 steps of 4 windows), last checkpoint. Seeds 0, 1, 2."
)
metric = "mIoU"
seeds = (0, 1, 2)  # of the training alone: there is one split

heads = {
    "linear": "linear",
    "CNN": "cnn",
    "UNet": "unet",
    "Segmenter": "segmenter",
    "DeepLabV3+": "deeplabv3plus",
}
scenes = {"EnMAP Potsdam": "enmap-potsdam", "Houston halves": "houston2018-crop_halves"}
baselines = {
    "mmseg FCN, ResNet-18": "fcn/fcn_r18",
    "mmseg UNet": "unet/unet_c32",
    "mmseg UPerNet, ResNet-18": "upernet/upernet_r18",
    "mmseg SegFormer-B0": "segformer/segformer_mit-b0",
    "mmseg DeepLabV3+, ResNet-18": "deeplabv3plus/deeplabv3plus_r18",
    "Mask2Former, Swin-nano": "mask2former/mask2former_swin-nano",
    "FreeNet": "comparison/free-net",
}
encoders = {"HSIViT": "hsi-vit-tiny-p2", "SST": "sst-tiny-p4"}

epochs = 50
short = {
    "train_cfg.max_epochs": epochs,
    "param_scheduler.0.end": epochs // 10,
    "param_scheduler.1.begin": epochs // 10,
    "param_scheduler.1.end": epochs,
}
distilled = {**short, "param_scheduler.2.end": epochs, "custom_hooks.6.warmup_epochs": epochs * 3 // 10}
patches = {"model.backbone.patch_size": 2}
pretrainings = {
    "MAE": ("dinov2/mae_hsi-vit-tiny", short | patches, "backbone."),
    "DINOv2": ("dinov2/dinov2_hsi-vit-tiny", distilled | patches, "teacher.backbone."),
    "LO-MSST": ("lo_msst/lo-msst_sst-tiny-p4", short, "backbone."),
}


def cells(encoder, head, pretraining=None, frozen=False):
    row = {}
    for column, data in scenes.items():
        steps, options = [], {"model.frozen": True} if frozen else {}
        if pretraining:
            config, schedule, prefix = pretrainings[pretraining]
            steps = [dict(config=f"configs/{config}.py", dataset=data, options=schedule, seeded=False)]
            init = dict(type="Pretrained", checkpoint="{checkpoint}", prefix=prefix)
            options |= {f"model.backbone.init_cfg.{key}": value for key, value in init.items()}
        name = f"configs/segmentation/{encoders[encoder]}_{head}.py"
        row[column] = [*steps, dict(config=name, dataset=data, options=options)]
    return row


def classical(model):
    words = ["--model", model, "--seeds", "{seed}", "--out", "{out}"]
    tool = "tools/analysis/spectral_baselines.py"
    return {
        column: [dict(command=[tool, "configs/segmentation/hsi-vit-tiny-p2_linear.py", "--dataset", data, *words])]
        for column, data in scenes.items()
    }


rows = {"SVM, single spectra": classical("svm"), "random forest, single spectra": classical("rf")}
for name, head in heads.items():
    rows[f"HSIViT, {name}"] = cells("HSIViT", head)
    rows[f"HSIViT, MAE, {name}"] = cells("HSIViT", head, "MAE")
    rows[f"HSIViT, DINOv2, {name}"] = cells("HSIViT", head, "DINOv2")
    rows[f"SST, {name}"] = cells("SST", head)
    rows[f"SST, LO-MSST, {name}"] = cells("SST", head, "LO-MSST")
for encoder, pretraining in (("HSIViT", "MAE"), ("HSIViT", "DINOv2"), ("SST", "LO-MSST")):
    rows[f"{encoder}, {pretraining}, frozen, linear"] = cells(encoder, "linear", pretraining, frozen=True)
for name, config in baselines.items():
    rows[name] = {column: [dict(config=f"configs/{config}.py", dataset=data)] for column, data in scenes.items()}
