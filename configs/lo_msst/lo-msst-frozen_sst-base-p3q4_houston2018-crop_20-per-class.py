# The encoder stays as pretraining left it; the head alone is trained.
_base_ = "./lo-msst-ft_sst-base-p3q4_houston2018-crop_20-per-class.py"
model = dict(frozen=True)
