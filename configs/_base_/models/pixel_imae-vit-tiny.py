# Fill in: num_bands, in_channels and num_classes.
_base_ = ["./pixel_hsi-vit-tiny.py"]
model = dict(
    backbone=dict(_delete_=True, type="IMAEViT", arch="tiny", with_ins_token=True),
    neck=dict(_delete_=True, type="LearnableAggregation", embed_dims=64),
    head=dict(in_channels=64),
)
