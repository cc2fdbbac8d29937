_base_ = [
    "../_base_/models/imae_imae-vit-tiny_tiles.py",
    "../_base_/datasets/abu_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        samples_per_scene=128,
        pipeline=[
            dict(type="RandomReadWindow", size=15),
            dict(type="LoadCube"),
            dict(type="StandardizeScene"),
            dict(type="BandResample", num_bands=200),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1.0))
auto_scale_lr = dict(base_batch_size=32)
