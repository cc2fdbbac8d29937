_base_ = ["../_base_/models/segformer_mit-b0.py", "../segmentation/_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py"]
# Windows of 24 pixels leave the first map 6, which cannot be reduced by 8 as in larger pictures.
sr_ratios = {"houston2018-crop_halves": [2, 1, 1, 1]}.get("{{$MMHSI_DATASET:enmap-potsdam}}", [8, 4, 2, 1])
model = dict(data_preprocessor=dict(augments=_base_.augments), backbone=dict(sr_ratios=sr_ratios))
