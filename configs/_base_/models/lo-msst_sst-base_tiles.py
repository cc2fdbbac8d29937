# Fill in: patch_size and bands_per_block.
_base_ = ["./lo-msst_sst-base.py"]
model = dict(data_preprocessor=dict(type="TilePreprocessor"))
