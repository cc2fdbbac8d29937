_base_ = ["./imae_imae-vit-tiny.py"]
model = dict(data_preprocessor=dict(_delete_=True, type="TilePreprocessor"))
