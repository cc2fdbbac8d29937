# Multiscale linear head on the spectral layers. Fill in: patch_size, bands_per_block and the checkpoint to start from.
_base_ = ["./linear_hsi-vit-tiny.py"]
model = dict(
    backbone=dict(
        _delete_=True,
        type="SST",
        arch="base",
        norm_before=False,
        out_indices=(4, 5, 6, 7),
        init_cfg=dict(type="Pretrained", checkpoint="", prefix="backbone."),
    ),
    decode_head=dict(in_channels=[48, 48, 48, 48]),
)
