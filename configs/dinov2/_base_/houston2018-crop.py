# Windows of 24 pixels every 8, no labels: 2 global views of 18 pixels, 4 local ones of 9.
_base_ = "./views.py"
patch_size, spectral_patch_size = 3, 3
large = dict(type="RandomResizedCrop", size=18, scale=(0.32, 1.0))
small = dict(type="RandomResizedCrop", size=9, scale=(0.05, 0.32))
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        type="TileDataset",
        scene="houston2018_crop",
        data_root="{{$MMHSI_DATA:data}}",
        window=24,
        stride=8,
        with_labels=False,
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
