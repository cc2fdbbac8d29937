# Blocks of 8 samples of 10 nm, from 350 to 2550 nm.
_base_ = "./mae-wavelength_hsi-vit-tiny-p3_mixed.py"
model = dict(
    _delete_=True,
    type="LOMSST",
    data_preprocessor=dict(type="SensorTilePreprocessor"),
    backbone=dict(
        type="SST", arch="tiny", patch_size=3, bands_per_block=8, norm_before=False, embedding="spectral-blocks"
    ),
    decoder=dict(type="LOMSSTDecoder"),
    masking=dict(type="RandomMasking", ratio=0.75),
)
