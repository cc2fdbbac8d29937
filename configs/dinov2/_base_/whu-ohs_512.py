# Whole tiles: 2 global views of 512 pixels, 8 local ones of 128.
_base_ = ["../../_base_/datasets/whu-ohs_pretrain.py", "./views.py"]
large = dict(type="RandomResizedCrop", size=512, scale=(0.32, 1.0), interpolation="bicubic")
small = dict(type="RandomResizedCrop", size=128, scale=(0.05, 0.32), interpolation="bicubic")
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        window=None,
        pipeline=[
            dict(type="LoadCube"),
            dict(
                type="MultiView",
                transforms=[[large, *_base_.first_global], [large, *_base_.second_global], [small, *_base_.local]],
                num_views=[1, 1, 8],
            ),
            dict(type="PackViews"),
        ],
    ),
)
