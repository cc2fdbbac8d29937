"""The scenes that pixel classification has been measured on since the 1990s."""

from __future__ import annotations

from .aviris_1992 import AVIRIS_1992
from .info import RemoteFile, SceneInfo

_HOMEPAGE = "https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes"
_UPLOADS = "https://www.ehu.eus/ccwintco/uploads"
_PUBLISHER = "published by the Computational Intelligence Group of the University of the Basque Country"
_SPLIT = "none published; 20 random pixels a class are common"

# 0-based bands of the 220 that the publisher took out of the "corrected" cube: [104-108], [150-163] and 220, 1-based.
INDIAN_PINES_REMOVED = (*range(103, 108), *range(149, 163), 219)

_SALINAS_CLASSES = (
    "Broccoli green weeds 1",
    "Broccoli green weeds 2",
    "Fallow",
    "Fallow rough plow",
    "Fallow smooth",
    "Stubble",
    "Celery",
    "Grapes untrained",
    "Soil vineyard develop",
    "Corn senesced green weeds",
    "Lettuce romaine 4wk",
    "Lettuce romaine 5wk",
    "Lettuce romaine 6wk",
    "Lettuce romaine 7wk",
    "Vineyard untrained",
    "Vineyard vertical trellis",
)
_SALINAS_A_IDS = (1, 10, 11, 12, 13, 14)
_SALINAS_CAVEAT = (
    "The cube holds AVIRIS bands 1 to 224 less 108-112, 154-167 and 224; the centres of that flight's bands could not "
    "be confirmed, so no wavelengths are given. Values are at-sensor radiance, some below 0."
)

CLASSIC: dict[str, SceneInfo] = {
    "indian_pines": SceneInfo(
        title="Indian Pines",
        image="indian_pines/Indian_pines_corrected.mat",
        image_key="indian_pines_corrected",
        labels="indian_pines/Indian_pines_gt.mat",
        labels_key="indian_pines_gt",
        classes=(
            "Alfalfa",
            "Corn-notill",
            "Corn-mintill",
            "Corn",
            "Grass-pasture",
            "Grass-trees",
            "Grass-pasture-mowed",
            "Hay-windrowed",
            "Oats",
            "Soybean-notill",
            "Soybean-mintill",
            "Soybean-clean",
            "Wheat",
            "Woods",
            "Buildings-Grass-Trees-Drives",
            "Stone-Steel-Towers",
        ),
        label_ids=tuple(range(1, 17)),
        shape=(145, 145, 200),
        wavelengths=tuple(nm for band, nm in enumerate(AVIRIS_1992) if band not in INDIAN_PINES_REMOVED),
        citation="M. F. Baumgardner, L. L. Biehl, D. A. Landgrebe, 220 Band AVIRIS Hyperspectral Image Data Set: "
        f"June 12, 1992 Indian Pine Test Site 3, Purdue University, doi:10.4231/R7RX991C; {_PUBLISHER}",
        sensor="AVIRIS",
        split_rule=_SPLIT,
        files=(
            RemoteFile("indian_pines/Indian_pines_corrected.mat", f"{_UPLOADS}/6/67/Indian_pines_corrected.mat"),
            RemoteFile("indian_pines/Indian_pines_gt.mat", f"{_UPLOADS}/c/c4/Indian_pines_gt.mat"),
        ),
        homepage=_HOMEPAGE,
        caveat="200 of 220 bands: the publisher removed 104-108, 150-163 and 220.",
    ),
    "pavia_university": SceneInfo(
        title="Pavia University",
        image="pavia_university/PaviaU.mat",
        image_key="paviaU",
        labels="pavia_university/PaviaU_gt.mat",
        labels_key="paviaU_gt",
        classes=(
            "Asphalt",
            "Meadows",
            "Gravel",
            "Trees",
            "Painted metal sheets",
            "Bare soil",
            "Bitumen",
            "Self-blocking bricks",
            "Shadows",
        ),
        label_ids=tuple(range(1, 10)),
        shape=(610, 340, 103),
        wavelengths=tuple(430 + 430 * band / 102 for band in range(103)),
        wavelengths_nominal=True,
        rgb_bands=(55, 41, 12),
        citation="ROSIS, Pavia, Italy; P. Gamba, Telecommunications and Remote Sensing Laboratory, University of "
        f"Pavia; {_PUBLISHER}",
        sensor="ROSIS",
        split_rule=_SPLIT,
        files=(
            RemoteFile("pavia_university/PaviaU.mat", f"{_UPLOADS}/e/ee/PaviaU.mat"),
            RemoteFile("pavia_university/PaviaU_gt.mat", f"{_UPLOADS}/5/50/PaviaU_gt.mat"),
        ),
        homepage=_HOMEPAGE,
        caveat="Wavelengths are nominal: 430 to 860 nm spread evenly over the 103 bands that were kept of 115.",
    ),
    "salinas": SceneInfo(
        title="Salinas",
        image="salinas/Salinas_corrected.mat",
        image_key="salinas_corrected",
        labels="salinas/Salinas_gt.mat",
        labels_key="salinas_gt",
        classes=_SALINAS_CLASSES,
        label_ids=tuple(range(1, 17)),
        shape=(512, 217, 204),
        rgb_bands=(28, 18, 9),
        citation=f"AVIRIS, Salinas Valley, California, 1998; {_PUBLISHER}",
        sensor="AVIRIS",
        split_rule=_SPLIT,
        files=(
            RemoteFile("salinas/Salinas_corrected.mat", f"{_UPLOADS}/a/a3/Salinas_corrected.mat"),
            RemoteFile("salinas/Salinas_gt.mat", f"{_UPLOADS}/f/fa/Salinas_gt.mat"),
        ),
        homepage=_HOMEPAGE,
        caveat=_SALINAS_CAVEAT,
    ),
    "salinas_a": SceneInfo(
        title="Salinas-A",
        image="salinas_a/SalinasA_corrected.mat",
        image_key="salinasA_corrected",
        labels="salinas_a/SalinasA_gt.mat",
        labels_key="salinasA_gt",
        classes=tuple(_SALINAS_CLASSES[class_id - 1] for class_id in _SALINAS_A_IDS),
        label_ids=_SALINAS_A_IDS,
        shape=(83, 86, 204),
        rgb_bands=(28, 18, 9),
        citation=f"AVIRIS, Salinas Valley, California, 1998; {_PUBLISHER}",
        sensor="AVIRIS",
        split_rule=_SPLIT,
        files=(
            RemoteFile("salinas_a/SalinasA_corrected.mat", f"{_UPLOADS}/1/1a/SalinasA_corrected.mat"),
            RemoteFile("salinas_a/SalinasA_gt.mat", f"{_UPLOADS}/a/aa/SalinasA_gt.mat"),
        ),
        homepage=_HOMEPAGE,
        caveat=_SALINAS_CAVEAT,
    ),
}
