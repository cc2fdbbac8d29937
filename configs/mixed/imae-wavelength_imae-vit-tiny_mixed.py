_base_ = "./mae-wavelength_hsi-vit-tiny-p3_mixed.py"
model = dict(
    _delete_=True,
    type="IMAE",
    data_preprocessor=dict(type="SensorTilePreprocessor"),
    backbone=dict(type="IMAEViT", arch="tiny", embedding="wavelength"),
    decoder=dict(type="IMAEDecoder", decoder_embed_dims=32, depth=2, num_heads=2),
)
