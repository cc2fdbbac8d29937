# Fill in: num_bands, and in_channels twice.
_base_ = ["./imae_imae-vit-tiny.py"]
model = dict(data_preprocessor=dict(_delete_=True, type="TilePreprocessor"))
