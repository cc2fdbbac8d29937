_base_ = "./ss-mae-mrs-ft_vit-tiny-w7_salinas_20-per-class.py"
model = dict(backbone=dict(init_cfg=dict(checkpoint="work_dirs/ss-mae-random_vit-tiny-w7_salinas/epoch_20.pth")))
