# The windows and epochs of dinov2/mae_hsi-vit-tiny-p2_enmap-potsdam.
_base_ = "../dinov2/mae_hsi-vit-tiny-p2_enmap-potsdam.py"
model = dict(
    _delete_=True,
    type="LOMSST",
    data_preprocessor=dict(type="TilePreprocessor", num_bands=218),
    backbone=dict(type="SST", arch="tiny", norm_before=False, in_channels=218, patch_size=4, bands_per_block=16),
    decoder=dict(type="LOMSSTDecoder"),
    masking=dict(type="RandomMasking", ratio=0.75),
)
