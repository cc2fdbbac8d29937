# Experiment 2: the convolutional decoder, with skips from the last four layers.
_base_ = "./mae-frozen_hsi-vit-base-p8_linear.py"
model = dict(
    decode_head=dict(
        _delete_=True,
        type="UNetHead",
        in_channels=[768, 768, 768, 768],
        in_index=[0, 1, 2, 3],
        loss_decode=dict(type="CrossEntropyLoss"),
    )
)
