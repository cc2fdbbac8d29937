# Experiment 3: Segmenter's mask transformer, 2 layers of 12 heads.
_base_ = "./mae-frozen_hsi-vit-base-p8_linear.py"
model = dict(
    decode_head=dict(
        _delete_=True,
        type="mmseg.SegmenterMaskTransformerHead",
        in_channels=768,
        channels=768,
        in_index=3,
        num_layers=2,
        num_heads=12,
        embed_dims=768,
        dropout_ratio=0.0,
        loss_decode=dict(type="CrossEntropyLoss"),
    )
)
