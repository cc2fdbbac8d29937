# The windows and epochs of dinov2/mae_hsi-vit-tiny.
_base_ = "../dinov2/mae_hsi-vit-tiny.py"
model = dict(
    _delete_=True,
    type="LOMSST",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(
        type="SST",
        arch="tiny",
        norm_before=False,
        patch_size=4,
        bands_per_block={"houston2018-crop_halves": 8}.get("{{$MMHSI_DATASET:enmap-potsdam}}", 16),
    ),
    decoder=dict(type="LOMSSTDecoder"),
    masking=dict(type="RandomMasking", ratio=0.75),
)
