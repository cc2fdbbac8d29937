# For CPUs; of a finer second source, mean and standard deviation within each pixel of the cube.
_base_ = "./pixel_ss-mae-vit-base.py"
model = dict(data_preprocessor=dict(second="texture"), backbone=dict(arch="tiny"))
