# What happens to a crop after it is cut: first and second global view, local views.
turn = dict(type="RandomDihedral")
jitter = dict(type="BandJitter", brightness=0.2, contrast=0.2, per_band=True, prob=0.8)
blur = dict(type="GaussianBlur", sigma=(0.1, 1.0))
first_global = [turn, jitter, dict(blur, prob=1.0)]
second_global = [turn, jitter, dict(blur, prob=0.1), dict(type="Solarize", quantile=0.5, prob=0.2)]
local = [turn, jitter, dict(blur, prob=0.5)]
