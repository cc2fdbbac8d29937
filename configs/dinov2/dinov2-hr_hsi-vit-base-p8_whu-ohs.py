# A short last phase on whole tiles of 512 pixels, from the weights of the run on windows of 64.
_base_ = ["../_base_/models/dinov2_hsi-vit-base.py", "./_base_/whu-ohs_512.py", "./_base_/runtime_hr_10e.py"]
model = dict(
    backbone=dict(img_size=512),
    init_cfg=dict(type="Pretrained", checkpoint="work_dirs/dinov2_hsi-vit-base-p8_whu-ohs/epoch_100.pth"),
)
auto_scale_lr = dict(base_batch_size=8)
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
