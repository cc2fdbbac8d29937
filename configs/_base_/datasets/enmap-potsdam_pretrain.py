# EnMAP Potsdam, the training tiles, no labels. Put the files under data/ or set MMHSI_DATA.
data_root = "{{$MMHSI_DATA:data}}/enmap_potsdam"
train_dataloader = dict(
    batch_size=14,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        type="TileDataset",
        data_root=data_root,
        split_file="train_files.csv",
        with_labels=False,
        pipeline=[dict(type="LoadCube"), dict(type="RandomDihedral"), dict(type="PackTile")],
    ),
)
