_base_ = [
    "../../_base_/datasets/enmap-potsdam_pretrain.py",
    "../../_base_/schedules/adamw_pretrain_200e.py",
    "../../_base_/default_runtime.py",
]
patches = dict(bands_per_block=16)  # 14 x 4 x 4 a tile
default_hooks = dict(logger=dict(interval=2))
