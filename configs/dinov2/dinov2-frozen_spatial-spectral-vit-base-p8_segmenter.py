# Experiment 9 of the dissertation.
_base_ = ["../mae/mae-frozen_hsi-vit-base-p8_segmenter.py", "./_base_/frozen_backbones.py"]
model = dict(backbone=_base_.spatial_spectral_vit)
