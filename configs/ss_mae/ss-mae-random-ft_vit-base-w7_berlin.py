_base_ = "./ss-mae-mrs-ft_vit-base-w7_berlin.py"
model = dict(backbone=dict(init_cfg=dict(checkpoint="work_dirs/ss-mae-random_vit-base-w7_berlin/epoch_300.pth")))
