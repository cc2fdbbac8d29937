_base_ = [
    "../_base_/models/mae_hsi-vit-tiny.py",
    "../_base_/datasets/salinas-a_pretrain.py",
    "../_base_/datasets/scene_reconstruction.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/pretrain_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=204),
    backbone=dict(in_channels=204, img_size=9, patch_size=3),
    decoder=dict(in_channels=204, img_size=9, patch_size=3),
)
val_dataloader = dict(dataset=dict(scene="salinas_a"))
test_dataloader = val_dataloader
