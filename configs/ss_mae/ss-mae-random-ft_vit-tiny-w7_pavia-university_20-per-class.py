_base_ = "./ss-mae-mrs-ft_vit-tiny-w7_pavia-university_20-per-class.py"
model = dict(
    backbone=dict(init_cfg=dict(checkpoint="work_dirs/ss-mae-random_vit-tiny-w7_pavia-university/epoch_20.pth"))
)
