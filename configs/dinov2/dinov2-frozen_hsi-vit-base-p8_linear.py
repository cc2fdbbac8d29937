# Experiment 4 of the dissertation.
_base_ = ["../mae/mae-frozen_hsi-vit-base-p8_linear.py", "./_base_/frozen_backbones.py"]
model = dict(backbone=_base_.hsi_vit)
