# Fill in: patch_size.
model = dict(
    type="PixelClassifier",
    tta=True,
    data_preprocessor=dict(
        type="ScenePreprocessor",
        augments=[
            dict(type="BatchDihedral"),
            dict(type="BatchGainOffset", gain=0.1, offset=0.1),
            dict(type="BatchNoise", std=0.05),
        ],
    ),
    backbone=dict(type="HSIViT", arch="tiny"),
    neck=dict(type="CenterContext"),
    head=dict(
        type="mmpretrain.LinearClsHead",
        loss=dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
    ),
)
