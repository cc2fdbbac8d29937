_base_ = [
    "../_base_/models/dinov2_hsi-vit-tiny.py",
    "./_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py",
    "./_base_/runtime_small.py",
]
model = dict(backbone=dict(img_size=_base_.large.size, patch_size=_base_.patch_size))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
