_base_ = ["./_base_/heads_hsi-vit.py", "./_base_/enmap-potsdam.py"]
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="TilePreprocessor",
        num_bands=_base_.num_bands,
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)],
    ),
    backbone=dict(
        type="HSIViT",
        arch="tiny",
        in_channels=_base_.num_bands,
        img_size=12,
        patch_size=2,
        out_indices=(0, 1, 2, 3),
        num_registers=4,
        ffn_type="swiglu_fused",
        layer_scale_init_value=0.1,
    ),
    decode_head=dict(_base_.linear, num_classes=_base_.num_classes),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
