_base_ = "./sst-tiny-p4_linear.py"
model = dict(decode_head=dict(_base_.unet, _delete_=True))
