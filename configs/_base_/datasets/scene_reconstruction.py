# Validation of pretraining on one scene: the windows of every 4th row and column. Give dataset.scene in both loaders.
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="collate_pixels"),
    dataset=dict(type="SceneDataset", data_root="{{$MMHSI_DATA:data}}", window=9, subset="all", stride=4),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="ReconstructionMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
