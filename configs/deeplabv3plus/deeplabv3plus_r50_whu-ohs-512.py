# The dissertation's baseline on whole tiles of 512x512 pixels, batch 8.
_base_ = "./deeplabv3plus_r50_whu-ohs.py"
whole_tile = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="RandomDihedral"), dict(type="PackTile")]
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=whole_tile))
val_dataloader = dict(batch_size=1, dataset=dict(window=None))
test_dataloader = dict(batch_size=1, dataset=dict(window=None))
auto_scale_lr = dict(base_batch_size=8)
