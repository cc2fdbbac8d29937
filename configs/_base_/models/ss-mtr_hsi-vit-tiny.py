# Fill in: patch_size.
_base_ = "./mae_hsi-vit-tiny.py"
model = dict(type="SSMTr")
