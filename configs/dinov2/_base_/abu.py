# Random windows of 32 pixels: 2 global views of 24 pixels, 4 local ones of 12. Jitter comes before the scene's own
# scale is taken off, because it scales with the mean.
_base_ = ["../../_base_/datasets/abu_pretrain.py", "./views.py"]
patch_size = 4
large = dict(type="RandomResizedCrop", size=24, scale=(0.32, 1.0))
small = dict(type="RandomResizedCrop", size=12, scale=(0.05, 0.32))
common = [dict(type="StandardizeScene"), dict(type="BandResample", num_bands=200)]
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="RandomReadWindow", size=32),
            dict(type="LoadCube"),
            dict(
                type="MultiView",
                transforms=[
                    [large, *_base_.first_global, *common],
                    [large, *_base_.second_global, *common],
                    [small, *_base_.local, *common],
                ],
                num_views=[1, 1, 4],
            ),
            dict(type="PackViews"),
        ]
    )
)
