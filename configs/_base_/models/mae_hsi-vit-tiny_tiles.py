# Fill in: patch_size.
_base_ = ["./mae_hsi-vit-tiny.py"]
model = dict(data_preprocessor=dict(type="TilePreprocessor"))
