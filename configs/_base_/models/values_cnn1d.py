# Values from the spectrum of the centre pixel.
model = dict(
    type="PixelRegressor",
    data_preprocessor=dict(
        type="ScenePreprocessor",
        augments=[dict(type="BatchGainOffset", gain=0.05, offset=0.05), dict(type="BatchNoise", std=0.02)],
    ),
    backbone=dict(type="SpectralCNN1D"),
    neck=dict(type="mmpretrain.GlobalAveragePooling"),
    head=dict(type="RegressionHead", loss=dict(type="HuberLoss")),
)
