# Windows of 16 pixels every 8: 2 global views of 12 pixels, 4 local ones of 6.
_base_ = ["../../_base_/datasets/enmap-potsdam_pretrain.py", "./views.py"]
patch_size, spectral_patch_size = 1, 14
large = dict(type="RandomResizedCrop", size=12, scale=(0.32, 1.0))
small = dict(type="RandomResizedCrop", size=6, scale=(0.05, 0.32))
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        window=16,
        stride=8,
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
