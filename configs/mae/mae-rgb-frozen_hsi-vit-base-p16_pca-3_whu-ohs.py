# The dissertation's proof of concept: 3 principal components in, an RGB encoder that stays as it is, MAE's decoder trained.
# Fit the components first: mmhsi fit_pca THIS_CONFIG --components 3 --out work_dirs/whu-ohs_pca.npz
_base_ = "./mae-rgb_hsi-vit-base-p16_whu-ohs.py"
components = dict(type="PCAProject", file="work_dirs/whu-ohs_pca.npz", num_components=3, whiten=True)
crop = dict(type="RandomResizedCrop", size=128, scale=(0.2, 1.0), interpolation="bicubic")
seen = [dict(type="LoadCube"), components, dict(type="PackTile")]
model = dict(backbone=dict(frozen_stages=12, init_cfg=dict(input_layer="refuse", wavelengths=None)))
train_dataloader = dict(
    dataset=dict(pipeline=[dict(type="LoadCube"), components, crop, dict(type="RandomDihedral"), dict(type="PackTile")])
)
val_dataloader = dict(dataset=dict(pipeline=seen))
test_dataloader = dict(dataset=dict(pipeline=seen))
