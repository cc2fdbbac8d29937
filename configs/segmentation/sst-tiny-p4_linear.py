_base_ = ["./_base_/sst-tiny-p4.py", "./_base_/heads_sst.py", "./_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py"]
model = dict(backbone=dict(bands_per_block=_base_.bands_per_block))
