# Fill in: num_bands, in_channels, img_size and patch_size.
_base_ = ["./mae_hsi-vit-tiny.py"]
model = dict(data_preprocessor=dict(type="TilePreprocessor"))
