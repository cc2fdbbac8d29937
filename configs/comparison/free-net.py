_base_ = ["../_base_/models/free-net.py", "../segmentation/_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py"]
model = dict(data_preprocessor=dict(augments=_base_.augments))
