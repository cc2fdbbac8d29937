# The patch of the paper, random masking, nothing pruned.
_base_ = ["../_base_/models/lo-msst_sst-base_tiles.py", "./_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py"]
model = dict(backbone=dict(patch_size=8, **_base_.patches))
