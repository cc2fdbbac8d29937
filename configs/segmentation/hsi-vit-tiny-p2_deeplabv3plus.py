_base_ = "./hsi-vit-tiny-p2_linear.py"
model = dict(decode_head=dict(_base_.deeplabv3plus, _delete_=True), auxiliary_head=_base_.auxiliary)
