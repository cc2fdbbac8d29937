_base_ = "./ss-mtr_hsi-vit-tiny-p3.py"
model = dict(contrast=0.1)
