"""The dissertation's ten experiments (Fig. 4.1, 5.1 and 5.3) on WHU-OHS, which is to be downloaded; for GPUs."""

title = "WHU-OHS: three encoders, three decoders, DeepLabV3+"
protocol = (
    "The published training, validation and test tiles, 32 bands, 24 classes; windows of 64 pixels, or tiles of 512, "
    "an epoch being all of them. 100 epochs of pretraining, encoder frozen, 100 epochs of the decoder at 1e-4, poly; "
    "cross-entropy, or focal loss (section 5.1.3). AA is the mean accuracy over the classes. The dissertation's "
    "figures come from data cast to 8 bits and decimated, and from 25 names for 24 classes; ours would not."
)
metric = ("OA", "mIoU", "AA")
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
# OA, mIoU and mean accuracy of Fig. 5.1.
figures = {
    "mae": ((11.86, 1.35, 3.60), (12.26, 1.21, 3.03), (11.73, 1.19, 3.50)),
    "dinov2": ((12.50, 1.40, 3.55), (11.08, 1.03, 3.11), (11.01, 1.58, 3.54)),
    "dual": ((11.12, 1.16, 3.85), (12.89, 1.45, 3.45), (13.15, 1.34, 3.14)),
}
init = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
focal = {"model.decode_head.loss_decode.type": "FocalLoss"}

rows, paper = {}, {}
for encoder, pretraining in pretrainings.items():
    for (decoder, word), figure in zip(decoders.items(), figures[encoder], strict=True):
        row = f"{len(paper) + 1}: {names[encoder]}, {decoder}"
        pretrain = dict(config=f"configs/{pretraining}.py", seeded=False)
        config = f"configs/{encoders[encoder]}-base-p8_{word}.py"
        for name, options in ((row, init), (f"{row}, focal loss", {**init, **focal})):
            rows[name] = {"64x64": [pretrain, dict(config=config, dataset="whu-ohs", options=options)]}
        paper[row] = {"64x64": figure}
        if (encoder, word) == ("dinov2", "segmenter"):
            higher = dict(
                config="configs/dinov2/dinov2-hr_hsi-vit-base-p8_whu-ohs.py",
                options={"model.init_cfg.checkpoint": "{checkpoint}"},
                seeded=False,
            )
            rows[row]["512x512"] = [pretrain, higher, dict(config=config, dataset="whu-ohs-512", options=init)]
convolutional = "configs/deeplabv3plus/deeplabv3plus_r50.py"
rows["10: DeepLabV3+, ResNet-50"] = {
    "64x64": [dict(config=convolutional, dataset="whu-ohs")],
    "512x512": [dict(config=convolutional, dataset="whu-ohs-512")],
}
rows["10: DeepLabV3+, ResNet-50, focal loss"] = {
    "64x64": [dict(config=convolutional, dataset="whu-ohs", options=focal)]
}
paper["10: DeepLabV3+, ResNet-50"] = {"64x64": (12.56, 1.49, 3.42), "512x512": (11.36, 1.51, 3.50)}  # Fig. 5.3
