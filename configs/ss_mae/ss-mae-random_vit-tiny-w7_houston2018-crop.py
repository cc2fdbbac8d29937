_base_ = "./ss-mae-mrs_vit-tiny-w7_houston2018-crop.py"
model = dict(spectral_masking=dict(type="SpectralMasking"))
