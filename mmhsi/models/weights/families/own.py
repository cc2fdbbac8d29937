"""Weights that come with this package; their card is in configs/mixed/README.md."""

from __future__ import annotations

from .base import Family, PublicWeights

OWN = Family(
    name="mmhsi",
    marks="",
    rules={},
    weights=(
        PublicWeights(
            name="mmhsi-vit-tiny-wavelength",
            family="mmhsi",
            backbone=dict(type="HSIViT", arch="tiny", img_size=24, patch_size=3, embedding="wavelength"),
            citation="mmhsi, configs/mixed/mae-wavelength_hsi-vit-tiny-p3_mixed.py on Airport-Beach-Urban, Salinas-A "
            "and a crop of Houston 2018",
            license="Apache-2.0; the terms of the data's publishers apply",
            normalisation="each band by mean and standard deviation of its scene",
            caveat="Masked-autoencoded on nine scenes of AVIRIS and CASI, bands between 380 and 2500 nm. Better than "
            "from scratch on EnMAP, which it has not seen, not on its own sensors, and behind extra trees on all.",
            carried=True,
        ),
    ),
)
