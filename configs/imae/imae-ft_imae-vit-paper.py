_base_ = [
    "../_base_/models/pixel_imae-vit-paper.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
pretrained_on = "{{$MMHSI_DATASET:salinas_20-per-class}}".partition("_")[0]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type="Pretrained",
            checkpoint=f"work_dirs/imae_imae-vit-paper_{pretrained_on}/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
)
train_dataloader = dict(dataset=dict(window=15))
test_dataloader = dict(dataset=dict(window=15))
# The paper's two learning rates, 1e-5 and 1e-3.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.01)}))
