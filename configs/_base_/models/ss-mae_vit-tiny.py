# For CPUs; of a finer second source, mean and standard deviation within each pixel of the cube.
_base_ = "./ss-mae_vit-base.py"
model = dict(
    data_preprocessor=dict(second="texture"), backbone=dict(arch="tiny"), decoder_embed_dims=64, decoder_num_heads=4
)
