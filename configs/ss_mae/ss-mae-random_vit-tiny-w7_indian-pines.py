_base_ = "./ss-mae-mrs_vit-tiny-w7_indian-pines.py"
model = dict(spectral_masking=dict(type="SpectralMasking"))
