_base_ = "./lo-msst-frozen_sst-base-p8q4_linear_c2seg-wuhan.py"
model = dict(
    decode_head=dict(_delete_=True, type="CNNHead", in_channels=48, loss_decode=dict(type="CrossEntropyLoss")),
)
