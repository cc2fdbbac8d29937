# Places are hidden in all spectral blocks.
_base_ = "./lo-msst_sst-base-p8q16_enmap-potsdam.py"
model = dict(masking=dict(type="TubeMasking"))
