# For CPUs. Fill in: num_bands (and second_bands) of the preprocessor, in_channels of both together.
_base_ = "./ss-mae_vit-base.py"
model = dict(backbone=dict(arch="tiny"), decoder_embed_dims=64, decoder_num_heads=4)
