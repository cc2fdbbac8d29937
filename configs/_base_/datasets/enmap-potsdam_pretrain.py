# EnMAP Potsdam, the training tiles, no labels. Put the files under data/ or set MMHSI_DATA.
train_dataloader = dict(
    batch_size=7,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        type="TileDataset",
        scene="enmap_potsdam",
        subset="train",
        data_root="{{$MMHSI_DATA:data}}",
        with_labels=False,
        pipeline=[dict(type="LoadCube", cache_mb=256), dict(type="RandomDihedral"), dict(type="PackTile")],
    ),
)
