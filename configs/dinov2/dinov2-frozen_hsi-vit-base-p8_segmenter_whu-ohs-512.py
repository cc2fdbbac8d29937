# Experiment 6 of the dissertation at 512x512 pixels, from the last phase of pretraining at that size.
_base_ = [
    "../mae/mae-frozen_hsi-vit-base-p8_segmenter_whu-ohs.py",
    "./_base_/frozen_backbones.py",
]
whole_tile = [
    dict(type="LoadCube"),
    dict(type="LoadLabels"),
    dict(type="RandomResizedCrop", size=512, scale=(0.2, 1.0), interpolation="bicubic"),
    dict(type="RandomDihedral"),
    dict(type="PackTile"),
]
model = dict(backbone=_base_.hsi_vit_512)
train_dataloader = dict(batch_size=8, dataset=dict(window=None, pipeline=whole_tile))
val_dataloader = dict(batch_size=1, dataset=dict(window=None))
test_dataloader = dict(batch_size=1, dataset=dict(window=None))
auto_scale_lr = dict(base_batch_size=8)
