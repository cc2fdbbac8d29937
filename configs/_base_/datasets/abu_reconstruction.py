# Validation of pretraining on the corpus: 8 windows of every scene, always the same.
val_dataloader = dict(
    batch_size=56,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=False, seed=0),
    dataset=dict(
        type="CorpusDataset",
        scene="abu",
        data_root="{{$MMHSI_DATA:data}}",
        samples_per_scene=8,
        pipeline=[
            dict(type="RandomReadWindow", size=32),
            dict(type="LoadCube"),
            dict(type="StandardizeScene"),
            dict(type="BandResample", num_bands=200),
            dict(type="PackTile"),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="ReconstructionMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
