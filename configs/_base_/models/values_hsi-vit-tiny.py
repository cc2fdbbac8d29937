# Values from a window. Fill in: patch_size.
_base_ = "./values_cnn1d.py"
model = dict(
    tta=True,
    data_preprocessor=dict(
        augments=[
            dict(type="BatchDihedral"),
            dict(type="BatchGainOffset", gain=0.05, offset=0.05),
            dict(type="BatchNoise", std=0.02),
        ]
    ),
    backbone=dict(_delete_=True, type="HSIViT", arch="tiny"),
    neck=dict(_delete_=True, type="CenterContext"),
)
