_base_ = "./mae_hsi-vit-tiny-p3.py"
model = dict(masking=dict(type="SpectralMasking", ratio=0.3))
