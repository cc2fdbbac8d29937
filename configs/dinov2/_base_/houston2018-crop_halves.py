# The left half alone: 2 global views of 16 pixels, 4 local ones of 8.
_base_ = "./houston2018-crop.py"
patch_size = 2
large = dict(type="RandomResizedCrop", size=16, scale=(0.32, 1.0))
small = dict(type="RandomResizedCrop", size=8, scale=(0.05, 0.32))
train_dataloader = dict(
    dataset=dict(
        region=(0, 0, 128, 60),
        stride=6,
        pipeline=[
            dict(type="LoadCube", cache_mb=256),
            dict(
                type="MultiView",
                transforms=[[large, *_base_.first_global], [large, *_base_.second_global], [small, *_base_.local]],
                num_views=[1, 1, 4],
            ),
            dict(type="PackViews"),
        ],
    ),
)
