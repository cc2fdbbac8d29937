# Labels at their own resolution, 4 times finer than the cube: the decoder doubles patches of 2 pixels three times.
_base_ = "./hsi-vit-tiny-p2_linear_houston2018-crop_halves.py"
model = dict(
    decode_head=dict(
        _delete_=True,
        type="UNetHead",
        in_channels=[128, 128, 128, 128],
        in_index=[0, 1, 2, 3],
        num_classes=9,
        num_upsamples=3,
        loss_decode=dict(type="CrossEntropyLoss"),
    )
)
train_dataloader = dict(dataset=dict(fine_labels=True))
test_dataloader = dict(dataset=dict(fine_labels=True))
