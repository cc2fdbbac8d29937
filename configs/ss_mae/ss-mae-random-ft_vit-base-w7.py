_base_ = "./ss-mae-mrs-ft_vit-base-w7.py"
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint="work_dirs/ss-mae-random_vit-base-w7_{{$MMHSI_DATASET:houston2018}}/epoch_300.pth")
    ),
)
