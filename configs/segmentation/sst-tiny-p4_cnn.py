_base_ = "./sst-tiny-p4_linear.py"
model = dict(decode_head=dict(_base_.cnn, _delete_=True))
