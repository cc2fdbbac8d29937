_base_ = [
    "../_base_/models/pixel_imae-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
pretrained_on = "{{$MMHSI_DATASET:salinas-a_20-per-class}}".partition("_")[0]
model = dict(
    data_preprocessor=dict(second="texture"),
    backbone=dict(
        init_cfg=dict(
            type="Pretrained",
            checkpoint=f"work_dirs/imae_imae-vit-tiny_{pretrained_on}/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
)
# One learning rate: after so short a pretraining the encoder still has to learn.
optim_wrapper = dict(paramwise_cfg=None)
