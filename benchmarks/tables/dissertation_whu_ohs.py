"""The dissertation's ten experiments (Fig. 4.1, 5.1 and 5.3) on WHU-OHS, which is to be downloaded; for GPUs."""

title = "WHU-OHS: three encoders, three decoders, DeepLabV3+"
protocol = (
    "The published training, validation and test tiles, 32 bands, 24 classes; crops of 64 pixels, or tiles of 512. 100 "
    "epochs of pretraining, encoder frozen, 100 epochs of the decoder at 1e-4, poly. The dissertation's figures come "
    "from data cast to 8 bits and decimated, and from 25 names for 24 classes; ours would not."
)
metric = "mIoU"
seeds = (0, 1, 2)

pretrainings = {
    "mae": "mae/mae_hsi-vit-base-p8_whu-ohs",
    "dinov2": "dinov2/dinov2_hsi-vit-base-p8_whu-ohs",
    "dual": "dinov2/dinov2_spatial-spectral-vit-base-p8_whu-ohs",
}
encoders = {"mae": "mae/mae-frozen_hsi-vit", "dinov2": "dinov2/dinov2-frozen_hsi-vit"}
encoders["dual"] = "dinov2/dinov2-frozen_spatial-spectral-vit"
names = {"mae": "ViT, MAE", "dinov2": "ViT, DINOv2", "dual": "spatial-spectral ViT, DINOv2"}
decoders = {"multiscale linear": "linear", "convolutional": "unet", "mask transformer": "segmenter"}
figures = dict(mae=(1.35, 1.21, 1.19), dinov2=(1.40, 1.03, 1.58), dual=(1.16, 1.45, 1.34))
init = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}

rows, paper = {}, {}
for encoder, pretraining in pretrainings.items():
    for (decoder, word), figure in zip(decoders.items(), figures[encoder], strict=True):
        row = f"{len(rows) + 1}: {names[encoder]}, {decoder}"
        pretrain = dict(config=f"configs/{pretraining}.py", seeded=False)
        config = f"configs/{encoders[encoder]}-base-p8_{word}_whu-ohs"
        rows[row] = {"64x64": [pretrain, dict(config=f"{config}.py", options=init)]}
        paper[row] = {"64x64": figure}
        if (encoder, word) == ("dinov2", "segmenter"):
            higher = dict(
                config="configs/dinov2/dinov2-hr_hsi-vit-base-p8_whu-ohs.py",
                options={"load_from": "{checkpoint}"},
                seeded=False,
            )
            rows[row]["512x512"] = [pretrain, higher, dict(config=f"{config}-512.py", options=init)]
rows["10: DeepLabV3+, ResNet-50"] = {
    "64x64": [dict(config="configs/deeplabv3plus/deeplabv3plus_r50.py", dataset="whu-ohs")],
    "512x512": [dict(config="configs/deeplabv3plus/deeplabv3plus_r50.py", dataset="whu-ohs-512")],
}
paper["10: DeepLabV3+, ResNet-50"] = {"64x64": 1.49, "512x512": 1.51}
