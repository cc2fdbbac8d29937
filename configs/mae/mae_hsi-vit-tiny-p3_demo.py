_base_ = [
    "../_base_/models/mae_hsi-vit-tiny.py",
    "../_base_/datasets/demo_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=56),
    backbone=dict(in_channels=56, img_size=9, patch_size=3),
    decoder=dict(in_channels=56, img_size=9, patch_size=3),
)
