_base_ = [
    "../_base_/models/pixel_ss-mae-vit-base.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(
        num_components={"berlin": 30}.get("{{$MMHSI_DATASET:houston2018}}", 20),
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/ss-mae-mrs_vit-base-w7_{{$MMHSI_DATASET:houston2018}}/epoch_300.pth",
            prefix="backbone.",
        ),
    ),
)
# One learning rate, the paper's: half of the features are new.
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=None)
auto_scale_lr = dict(base_batch_size=128)
