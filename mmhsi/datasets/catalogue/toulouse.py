"""The Toulouse Hyperspectral Data Set: nine airborne images, polygons of land cover, eight published splits."""

from __future__ import annotations

from .info import SceneInfo, TileSubset

SPLITS = range(1, 9)

TOULOUSE: dict[str, SceneInfo] = {
    "toulouse": SceneInfo(
        title="Toulouse Hyperspectral Data Set",
        image="toulouse",
        classes=(
            "Orange tile",
            "Dark tile",
            "Slate",
            "Clear fiber cement",
            "Dark fiber cement",
            "Sheet metal - dark painted sheet metal",
            "Clear painted sheet metal",
            "Dark asphalt",
            "Red asphalt",
            "Beige asphalt",
            "Green painted asphalt",
            "White road marking",
            "Cement",
            "Brown paving stone",
            "Clear paving stone",
            "Clear plastic cover",
            "Synthetic track",
            "Synthetic grass",
            "Healthy grass",
            "Stressed grass",
            "Tree",
            "Bare soil",
            "Gravels",
            "Rocks",
            "Green porous concrete",
            "Red porous concrete",
            "Seaweed",
            "Water - swimming pool",
            "Water",
            "Sorgho",
            "Wheat",
            "Field bean",
        ),
        label_ids=tuple(range(1, 33)),
        citation="R. Thoreau et al., Toulouse Hyperspectral Data Set: a benchmark data set to assess semi-supervised "
        "spectral representation learning and pixel-wise classification techniques, 2023, arXiv:2311.08863; images of "
        "the CAMCATT/AI4GEO campaign, L. Roupioz et al., Data in Brief 48, 109109, 2023",
        form="tiles",
        sensor="AisaFENIX",
        bad_bands=(
            *range(16),
            *range(160, 175),
            *range(195, 202),
            *range(230, 255),
            *range(300, 331),
            *range(404, 420),
        ),
        split_rule="published: eight splits of the polygons' groups, apart on the ground, into train, pool (to be "
        "labelled), val and test",
        subsets=tuple(
            TileSubset(f"{part}-{split}", split_file=f"splits/split_{split}/{part}.csv")
            for split in SPLITS
            for part in ("train", "pool", "val", "test")
        ),
        homepage="https://www.toulouse-hyperspectral-data-set.com",
        obtain="the homepage leads to the images; polygons and splits come with the authors' package TlseHypDataSet, "
        "and mmhsi toulouse_labels draws them",
        caveat="420 bands, of which the authors use 310. Of the nine images the sizes are not on record. Label maps of "
        "the parts of a split are drawn by mmhsi toulouse_labels; polygons of another material than the 32 have no "
        "label.",
    ),
}
