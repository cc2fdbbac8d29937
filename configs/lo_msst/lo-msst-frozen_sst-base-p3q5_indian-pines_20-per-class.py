# The encoder stays as pretraining left it; the head alone is trained.
_base_ = "./lo-msst-ft_sst-base-p3q5_indian-pines_20-per-class.py"
model = dict(frozen=True)
