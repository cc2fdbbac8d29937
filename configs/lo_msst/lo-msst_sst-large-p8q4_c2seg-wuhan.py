# d 84, 6 spatial and 6 spectral layers.
_base_ = "./lo-msst_sst-base-p8q4_c2seg-wuhan.py"
model = dict(backbone=dict(arch="large"))
