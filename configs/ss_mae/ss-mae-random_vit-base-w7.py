_base_ = "./ss-mae-mrs_vit-base-w7.py"
model = dict(spectral_masking=dict(type="SpectralMasking"))
