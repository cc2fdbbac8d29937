_base_ = "./lo-msst-ft_sst-base-p2q8_linear_enmap-potsdam.py"
model = dict(
    backbone=dict(
        patch_size=8,
        bands_per_block=16,
        init_cfg=dict(checkpoint="work_dirs/lo-msst_sst-base-p8q16_enmap-potsdam/epoch_200.pth"),
    ),
    decode_head=dict(patch_size=8),
)
