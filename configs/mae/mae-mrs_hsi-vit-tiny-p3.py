_base_ = "./mae_hsi-vit-tiny-p3.py"
model = dict(masking=dict(type="MRSMasking", ratio=0.3))
