# Random windows of a corpus.
_base_ = ["../_base_/models/mae_hsi-vit-tiny_tiles.py", "./_base_/{{$MMHSI_DATASET:abu}}.py"]
model = dict(backbone=dict(patch_size=4))
