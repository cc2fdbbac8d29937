_base_ = [
    "../_base_/models/pixel_imae-vit-paper.py",
    "../_base_/datasets/indian-pines_20-per-class.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=200),
    backbone=dict(
        in_channels=200,
        init_cfg=dict(
            type="Pretrained", checkpoint="work_dirs/imae_imae-vit-paper_indian-pines/epoch_20.pth", prefix="backbone."
        ),
    ),
    head=dict(num_classes=16),
)
train_dataloader = dict(dataset=dict(window=15))
test_dataloader = dict(dataset=dict(window=15))
# The paper's two learning rates, 1e-5 and 1e-3.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.01)}))
