_base_ = [
    "../_base_/models/pixel_hsi-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:enmap-potsdam-scene_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(_delete_=True, pretrained="mmhsi-vit-tiny-wavelength"))
