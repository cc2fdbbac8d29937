_base_ = "./mae-wavelength_hsi-vit-tiny-p3_mixed.py"
model = dict(backbone=dict(embedding="spectral-stem"))
