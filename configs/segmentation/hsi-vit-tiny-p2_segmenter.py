_base_ = "./hsi-vit-tiny-p2_linear.py"
model = dict(decode_head=dict(_base_.segmenter, _delete_=True))
