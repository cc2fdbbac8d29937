# The pretrained encoder learns at a tenth of the head's rate.
_base_ = "./cnn2d.py"
pretrained_on = "{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}".partition("_")[0]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type="Pretrained",
            checkpoint=f"work_dirs/channel-prediction_cnn2d_{pretrained_on}/iter_400.pth",
            prefix="backbone.",
        ),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.1)}))
