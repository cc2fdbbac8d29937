# The LO-SST paper's linear head on the last layer. Fill in: patch_size of both, bands_per_block and the checkpoint to start
# from.
_base_ = ["./linear_hsi-vit-tiny.py"]
model = dict(
    backbone=dict(
        _delete_=True,
        type="SST",
        arch="base",
        norm_before=False,
        out_indices=(7,),
        init_cfg=dict(type="Pretrained", checkpoint="", prefix="backbone."),
    ),
    decode_head=dict(_delete_=True, type="TokenLinearHead", in_channels=48, loss_decode=dict(type="CrossEntropyLoss")),
)
