# MAE on 32 bands from MAE's weights of RGB pictures (download mae_pretrain_vit_base.pth), the input layer interpolated
# along the wavelengths. Patches of 16 pixels as those weights have, 128x128 windows: as many tokens as 8 and 64.
_base_ = "./mae_hsi-vit-base-p8_whu-ohs.py"
wavelengths = [
    *(466, 480, 500, 520, 536, 550, 566, 580, 596, 610, 626, 640, 656, 670, 686, 700),
    *(716, 730, 746, 760, 776, 790, 806, 820, 836, 850, 866, 880, 896, 910, 926, 940),
]
model = dict(
    backbone=dict(
        img_size=128,
        patch_size=16,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/mae_pretrain_vit_base.pth",
            input_layer="interpolate",
            source_wavelengths=(640, 550, 460),
            wavelengths=wavelengths,
        ),
    ),
)
train_dataloader = dict(
    dataset=dict(
        window=128,
        pipeline=[
            dict(type="LoadCube"),
            dict(type="RandomResizedCrop", size=128, scale=(0.2, 1.0), interpolation="bicubic"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    )
)
val_dataloader = dict(dataset=dict(window=128))
test_dataloader = dict(dataset=dict(window=128))
