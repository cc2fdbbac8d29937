default_scope = "mmhsi"
scene = dict(
    type="SceneDataset",
    scene="demo",
    data_root=".",
    window=5,
    split=dict(type="FewShotSplit", per_class=20, seed=0),
    transforms=[
        dict(type="ScaleReflectance", factor=1e-4),
        dict(type="PCAProject", file="pca.npz", num_components=8, whiten=True),
        dict(
            type="Standardise",
            mean=[0.1, 0.0, -0.1, 0.0, 0.2, 0.0, 0.0, 0.0],
            std=[1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0],
        ),
    ],
)
model = dict(
    type="PixelClassifier",
    tta=True,
    data_preprocessor=dict(type="ScenePreprocessor", num_bands=8, augments=[dict(type="BatchDihedral")]),
    backbone=dict(
        type="HSIViT",
        arch=dict(embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=32),
        in_channels=8,
        img_size=5,
        patch_size=1,
    ),
    neck=dict(type="CentreContext"),
    head=dict(
        type="mmpretrain.LinearClsHead",
        in_channels=32,
        num_classes=8,
        loss=dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
    ),
)
train_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(subset="train", **scene),
)
train_cfg = dict(by_epoch=True, max_epochs=40)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=5e-3, weight_decay=0.01))
default_hooks = dict(checkpoint=dict(type="AtomicCheckpointHook", interval=40))
custom_hooks = [dict(type="FitPreprocessorHook"), dict(type="SeedIterationHook"), dict(type="SaveSplitHook")]
randomness = dict(seed=0)
