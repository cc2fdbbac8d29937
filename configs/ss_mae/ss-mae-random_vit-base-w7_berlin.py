_base_ = "./ss-mae-mrs_vit-base-w7_berlin.py"
model = dict(spectral_masking=dict(type="SpectralMasking"))
