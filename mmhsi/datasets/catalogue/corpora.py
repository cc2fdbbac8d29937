"""Scenes without class labels, for pretraining, and the simulated scene."""

from __future__ import annotations

from ..simulation import DEMO_CLASSES, DEMO_PALETTE, REFLECTANCE_SCALE
from .info import CorpusScene, RemoteFile, SceneInfo

_ABU_BANDS = {
    "abu-airport-2": 205,
    "abu-airport-3": 205,
    "abu-beach-2": 193,
    "abu-urban-1": 204,
    "abu-urban-2": 207,
    "abu-urban-4": 205,
    "abu-urban-5": 205,
}

CORPORA: dict[str, SceneInfo] = {
    "abu": SceneInfo(
        title="Airport-Beach-Urban",
        image="abu",
        image_key="data",
        citation="X. Kang et al., Hyperspectral anomaly detection with attribute and edge-preserving filters, IEEE "
        "TGRS 55(10), 2017",
        form="corpus",
        sensor="mostly AVIRIS",
        corpus=tuple(CorpusScene(f"abu/{name}.mat", (100, 100, bands)) for name, bands in _ABU_BANDS.items()),
        files=tuple(RemoteFile(f"abu/{name}.mat") for name in _ABU_BANDS),
        homepage="http://xudongkang.weebly.com/data-sets.html",
        caveat="Seven of the 13 published scenes. Band counts differ and the centres are not published with them; the "
        "variable map marks anomalies and is not used.",
    ),
    "demo": SceneInfo(
        title="simulated demo scene",
        image="demo/demo_cube.tif",
        labels="demo/demo_labels.tif",
        values="demo/demo_abundances.tif",
        targets=tuple(f"share of {name}" for name in DEMO_CLASSES),
        classes=DEMO_CLASSES,
        label_ids=tuple(range(1, len(DEMO_CLASSES) + 1)),
        palette=DEMO_PALETTE,
        citation="Simulated by mmhsi.datasets.simulation",
        sensor="simulated",
        value_scale=REFLECTANCE_SCALE,
        obtain="make it with: mmhsi make_demo_scene --out data/demo",
        caveat="Figures measured on it show that the software works, not how good a method is.",
    ),
}
