# The windows and epochs of dinov2/mae_hsi-vit-tiny-p2_houston2018-crop_halves.
_base_ = "../dinov2/mae_hsi-vit-tiny-p2_houston2018-crop_halves.py"
model = dict(
    _delete_=True,
    type="LOMSST",
    data_preprocessor=dict(type="TilePreprocessor", num_bands=48),
    backbone=dict(type="SST", arch="tiny", norm_before=False, in_channels=48, patch_size=4, bands_per_block=8),
    decoder=dict(type="LOMSSTDecoder"),
    masking=dict(type="RandomMasking", ratio=0.75),
)
