# Fill in: num_bands, in_channels, patch_size, bands_per_block and num_classes; the checkpoint to start from.
_base_ = ["./pixel_hsi-vit-tiny.py"]
model = dict(
    backbone=dict(
        _delete_=True,
        type="SST",
        arch="base",
        norm_before=False,
        init_cfg=dict(type="Pretrained", checkpoint="", prefix="backbone."),
    ),
    head=dict(in_channels=96),
)
