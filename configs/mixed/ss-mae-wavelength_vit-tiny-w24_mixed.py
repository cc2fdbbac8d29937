_base_ = "./mae-wavelength_hsi-vit-tiny-p3_mixed.py"
model = dict(
    _delete_=True,
    type="SSMAE",
    data_preprocessor=dict(type="SensorTilePreprocessor"),
    backbone=dict(type="SSMAEViT", arch="tiny", window=24, patch_size=3, embedding="wavelength"),
    spectral_masking=dict(type="MRSMasking", ratio=0.3),
    decoder_embed_dims=64,
    decoder_num_heads=4,
)
