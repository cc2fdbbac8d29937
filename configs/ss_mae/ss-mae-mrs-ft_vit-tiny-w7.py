_base_ = [
    "../_base_/models/pixel_ss-mae-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
pretrained_on = "{{$MMHSI_DATASET:salinas-a_20-per-class}}".partition("_")[0]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type="Pretrained",
            checkpoint=f"work_dirs/ss-mae-mrs_vit-tiny-w7_{pretrained_on}/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
)
train_dataloader = dict(dataset=dict(window=7))
test_dataloader = dict(dataset=dict(window=7))
# One learning rate: half of the features are new.
optim_wrapper = dict(paramwise_cfg=None)
