_base_ = "./ss-mae-mrs_vit-tiny-w7.py"
model = dict(spectral_masking=dict(type="SpectralMasking"))
