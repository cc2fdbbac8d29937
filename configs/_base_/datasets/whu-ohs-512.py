# Whole tiles of 512x512 pixels.
_base_ = "./whu-ohs.py"
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        pipeline=[
            dict(type="LoadCube"),
            dict(type="LoadLabels"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ]
    ),
)
val_dataloader = dict(batch_size=1, dataset=dict(window=None))
test_dataloader = dict(batch_size=1, dataset=dict(window=None))
