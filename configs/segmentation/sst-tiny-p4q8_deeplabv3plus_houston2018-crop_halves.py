_base_ = "./sst-tiny-p4q8_linear_houston2018-crop_halves.py"
model = dict(
    decode_head=dict(_base_.deeplabv3plus, _delete_=True, num_classes=_base_.num_classes),
    auxiliary_head=dict(_base_.auxiliary, num_classes=_base_.num_classes),
)
