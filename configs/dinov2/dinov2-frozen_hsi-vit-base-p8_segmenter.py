# Experiment 6 of the dissertation, on windows and on whole tiles.
_base_ = ["../mae/mae-frozen_hsi-vit-base-p8_segmenter.py", "./_base_/frozen_backbones.py"]
model = dict(
    backbone=_base_.hsi_vit_512 if "{{$MMHSI_DATASET:whu-ohs}}" == "whu-ohs-512" else _base_.hsi_vit,
)
