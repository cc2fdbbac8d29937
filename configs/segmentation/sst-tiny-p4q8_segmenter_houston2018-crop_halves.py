_base_ = "./sst-tiny-p4q8_linear_houston2018-crop_halves.py"
model = dict(
    decode_head=dict(_base_.segmenter, _delete_=True, num_classes=_base_.num_classes),
)
