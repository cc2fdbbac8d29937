# Places are hidden in all spectral blocks.
_base_ = "./lo-msst_sst-base-p8q4_c2seg-wuhan.py"
model = dict(masking=dict(type="TubeMasking"))
