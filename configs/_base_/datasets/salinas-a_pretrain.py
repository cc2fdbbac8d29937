# Salinas-A, every pixel, no labels. Put the files under data/ or set MMHSI_DATA.
data_root = "{{$MMHSI_DATA:data}}"
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(type="SceneDataset", scene="salinas_a", data_root=data_root, window=9, subset="all"),
)
