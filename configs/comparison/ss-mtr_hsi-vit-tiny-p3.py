_base_ = [
    "../_base_/models/ss-mtr_hsi-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a}}_pretrain.py",
    "../_base_/datasets/scene_reconstruction.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/pretrain_runtime.py",
]
model = dict(backbone=dict(patch_size=3))
val_dataloader = dict(dataset=dict(scene=_base_.train_dataloader.dataset.scene))
test_dataloader = val_dataloader
