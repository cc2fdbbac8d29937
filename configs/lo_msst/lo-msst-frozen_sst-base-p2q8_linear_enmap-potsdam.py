# The encoder stays as pretraining left it; the head alone is trained.
_base_ = "./lo-msst-ft_sst-base-p2q8_linear_enmap-potsdam.py"
model = dict(frozen=True)
