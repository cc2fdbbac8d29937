# Channels of each pixel's surroundings in place of the bands.
_base_ = "./enmap-potsdam.py"
read = [dict(type="LoadCube", cache_mb=256), dict(type="LoadLabels"), dict(type="SceneChannels", cache_mb=256)]
train_dataloader = dict(dataset=dict(pipeline=[*read, dict(type="RandomDihedral"), dict(type="PackTile")]))
val_dataloader = dict(dataset=dict(pipeline=[*read, dict(type="PackTile")]))
test_dataloader = dict(dataset=dict(pipeline=[*read, dict(type="PackTile")]))
