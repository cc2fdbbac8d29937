_base_ = "./lo-msst-ft_sst-base-p8q16_linear_enmap-potsdam.py"
model = dict(
    decode_head=dict(
        _delete_=True,
        type="CNNHead",
        in_channels=48,
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
)
