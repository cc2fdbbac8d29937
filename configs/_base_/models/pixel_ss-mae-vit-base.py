_base_ = "./pixel_hsi-vit-tiny.py"
model = dict(
    backbone=dict(_delete_=True, type="SSMAEFusion", arch="base", window=7),
)
