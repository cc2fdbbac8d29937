_base_ = "./ss-mae-mrs-ft_vit-tiny-w7.py"
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=f"work_dirs/ss-mae-random_vit-tiny-w7_{_base_.pretrained_on}/epoch_20.pth"))
)
