# Airborne scenes of 191 to 207 bands, brought to 200; random 32x32 windows.
train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        type="CorpusDataset",
        scene="abu",
        data_root="{{$MMHSI_DATA:data}}",
        samples_per_scene=64,
        pipeline=[
            dict(type="RandomReadWindow", size=32),
            dict(type="LoadCube"),
            dict(type="StandardizeScene"),
            dict(type="BandResample", num_bands=200),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    ),
)
