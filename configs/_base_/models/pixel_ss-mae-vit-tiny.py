# For CPUs. Fill in: num_bands (and second_bands), in_channels of both together, num_classes; head.in_channels 512 with
# one source.
_base_ = "./pixel_ss-mae-vit-base.py"
model = dict(backbone=dict(arch="tiny"), head=dict(in_channels=640))
