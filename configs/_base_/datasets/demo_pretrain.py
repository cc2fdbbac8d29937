# The simulated demo scene (tools/make_demo_scene.py), every pixel, no labels.
data_root = "{{$MMHSI_DATA:data}}"
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(type="SceneDataset", scene="demo", data_root=data_root, window=9, subset="all"),
)
