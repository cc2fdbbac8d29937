_base_ = ["./pixel_hsi-vit-tiny.py"]
model = dict(
    backbone=dict(_delete_=True, type="IMAEViT", arch="tiny", with_ins_token=True),
    neck=dict(_delete_=True, type="LearnableAggregation", embed_dims=64),
)
