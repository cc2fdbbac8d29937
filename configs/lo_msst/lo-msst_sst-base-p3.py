_base_ = [
    "../_base_/models/lo-msst_sst-base.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a}}_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
# Bands of a block: what divides the bands of the scene, or leaves few to be padded.
bands_per_block = {"houston2018-crop": 4, "pavia-university": 4, "indian-pines": 5}.get(
    "{{$MMHSI_DATASET:salinas-a}}", 6
)
model = dict(backbone=dict(patch_size=3, bands_per_block=bands_per_block))
