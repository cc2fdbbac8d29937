# WHU-OHS, random 64x64 windows of the training tiles, no labels.
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
        with_labels=False,
        pipeline=[
            dict(type="RandomReadWindow", size=64),
            dict(type="LoadCube"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    ),
)
