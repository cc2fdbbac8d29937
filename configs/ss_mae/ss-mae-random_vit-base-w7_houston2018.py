_base_ = "./ss-mae-mrs_vit-base-w7_houston2018.py"
model = dict(spectral_masking=dict(type="SpectralMasking"))
