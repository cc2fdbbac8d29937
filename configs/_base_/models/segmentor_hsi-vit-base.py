# The dissertation's encoder, frozen, under the multiscale linear head, whose only weights are its convolution's. Fill in: the checkpoint to start from.
_base_ = ["./linear_hsi-vit-tiny.py"]
model = dict(
    frozen=True,
    backbone=dict(
        arch="base",
        img_size=64,
        patch_size=8,
        out_indices=(8, 9, 10, 11),
        init_cfg=dict(type="Pretrained", checkpoint="", prefix="backbone."),
    ),
    decode_head=dict(in_channels=[768, 768, 768, 768], norm_cfg=dict(type="BN", affine=False), dropout_ratio=0.0),
)
