# Whole tiles of 512x512 pixels: an epoch is the 4,822 training tiles, the same pixels.
_base_ = "./whu-ohs.py"
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        window=None,
        pipeline=[
            dict(type="LoadCube"),
            dict(type="LoadLabels"),
            dict(type="RandomResizedCrop", size=512, scale=(0.2, 1.0), interpolation="bicubic"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    ),
)
val_dataloader = dict(batch_size=1, dataset=dict(window=None))
test_dataloader = dict(batch_size=1, dataset=dict(window=None))
