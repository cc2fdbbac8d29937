# Every pixel of one scene, no labels. Give dataset.scene; put the files under data/ or set MMHSI_DATA.
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    collate_fn=dict(type="collate_pixels"),
    dataset=dict(type="SceneDataset", data_root="{{$MMHSI_DATA:data}}", window=9, subset="all"),
)
