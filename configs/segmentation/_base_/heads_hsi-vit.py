# The other decode heads on four maps of HSIViT tiny with patches of 2 pixels.
loss_decode = dict(type="CrossEntropyLoss")
maps = dict(in_channels=[128, 128, 128, 128], in_index=[0, 1, 2, 3], loss_decode=loss_decode)
deepest = dict(in_channels=128, in_index=3, loss_decode=loss_decode)
cnn = dict(type="CNNHead", num_upsamples=1, **deepest)
unet = dict(type="UNetHead", num_upsamples=1, **maps)
segmenter = dict(
    type="mmseg.SegmenterMaskTransformerHead",
    channels=192,
    embed_dims=192,
    num_layers=2,
    num_heads=12,
    dropout_ratio=0.0,
    **deepest,
)
norm_cfg = dict(type="BN", requires_grad=True)
deeplabv3plus = dict(
    type="mmseg.DepthwiseSeparableASPPHead",
    channels=64,
    dilations=(1, 2, 4, 6),
    c1_in_channels=128,
    c1_channels=12,
    norm_cfg=norm_cfg,
    **deepest,
)
auxiliary = dict(
    type="mmseg.FCNHead",
    in_channels=128,
    in_index=2,
    channels=64,
    num_convs=1,
    concat_input=False,
    norm_cfg=norm_cfg,
    loss_decode=dict(loss_decode, loss_weight=0.4),
)
