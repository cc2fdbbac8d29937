_base_ = "./sst-tiny-p4q16_linear_enmap-potsdam.py"
model = dict(
    decode_head=dict(_base_.cnn, _delete_=True, num_classes=_base_.num_classes),
)
