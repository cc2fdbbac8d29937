# Fill in: patch_size, bands_per_block and the checkpoint to start from.
_base_ = ["./pixel_hsi-vit-tiny.py"]
model = dict(
    backbone=dict(
        _delete_=True,
        type="SST",
        arch="base",
        norm_before=False,
        init_cfg=dict(type="Pretrained", checkpoint="", prefix="backbone."),
    ),
)
