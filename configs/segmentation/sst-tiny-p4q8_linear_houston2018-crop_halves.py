_base_ = ["./_base_/heads_sst.py", "./_base_/houston2018-crop_halves.py"]
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="TilePreprocessor",
        num_bands=_base_.num_bands,
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)],
    ),
    backbone=dict(
        type="SST",
        arch="tiny",
        in_channels=_base_.num_bands,
        patch_size=4,
        bands_per_block=8,
        norm_before=False,
        out_indices=(0, 1, 2, 3),
    ),
    decode_head=dict(_base_.linear, num_classes=_base_.num_classes),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
