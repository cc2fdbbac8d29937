# WHU-OHS without labels. An epoch is every true 64x64 window of the 4,822 training tiles once: 308,608 windows.
train_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        type="TileDataset",
        scene="whu_ohs",
        subset="train",
        data_root="{{$MMHSI_DATA:data}}",
        window=64,
        with_labels=False,
        pipeline=[
            dict(type="LoadCube"),
            dict(type="RandomResizedCrop", size=64, scale=(0.2, 1.0), interpolation="bicubic"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    ),
)
