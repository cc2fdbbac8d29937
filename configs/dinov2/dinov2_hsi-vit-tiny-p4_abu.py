# StandardizeScene brings every band to zero mean and unit variance over its scene.
_base_ = ["../_base_/models/dinov2_hsi-vit-tiny.py", "./_base_/abu.py", "./_base_/runtime_small.py"]
model = dict(backbone=dict(img_size=_base_.large.size, patch_size=4))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
