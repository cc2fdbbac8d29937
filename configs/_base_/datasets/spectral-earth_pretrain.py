# SpectralEarth, no labels: a random 32x32 window of each.
train_dataloader = dict(
    batch_size=256,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        type="TileDataset",
        scene="spectral_earth",
        subset="all",
        data_root="{{$MMHSI_DATA:data}}",
        with_labels=False,
        pipeline=[
            dict(type="RandomReadWindow", size=32),
            dict(type="LoadCube"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    ),
)
