"""Large scenes and tiles from space, for semantic segmentation."""

from __future__ import annotations

from typing import Any

from .info import RemoteFile, SceneInfo, TileSubset

_OHS_WAVELENGTHS = (
    *(466, 480, 500, 520, 536, 550, 566, 580),
    *(596, 610, 626, 640, 656, 670, 686, 700),
    *(716, 730, 746, 760, 776, 790, 806, 820),
    *(836, 850, 866, 880, 896, 910, 926, 940),
)

_POTSDAM: dict[str, Any] = dict(
    classes=("roof", "pavement", "low vegetation", "tree", "soil", "water"),
    label_ids=tuple(range(1, 7)),
    citation="EnMAP-Box 3 example dataset: EnMAP L2A of 24 July 2022 (DLR), land cover from aerial images of LGB "
    "Brandenburg",
    sensor="EnMAP",
    bad_bands=tuple(range(129, 135)),
    value_scale=10000,
    license="Aerial images that the labels were drawn on: dl-de/by-2-0",
    homepage="https://github.com/EnMAP-Box/enmap-box",
)
"""What EnMAP Potsdam's tiles are, apart and as one scene."""

SATELLITE: dict[str, SceneInfo] = {
    "c2seg_wuhan": SceneInfo(
        title="C2Seg, Wuhan",
        image="c2seg_wuhan/wuhan.mat",
        image_key="HSI",
        labels="c2seg_wuhan/wuhan_label.mat",
        labels_key="label",
        classes=(
            "Background",
            "Surface water",
            "Street",
            "Urban fabric",
            "Industrial, commercial and transport",
            "Mine, dump and construction sites",
            "Artificial, vegetated areas",
            "Arable land",
            "Permanent crops",
            "Pastures",
            "Forests",
            "Shrub",
            "Open spaces with no vegetation",
            "Inland wetlands",
        ),
        label_ids=tuple(range(14)),
        ignore_ids=(),
        # HDF5 lists a MATLAB array's axes in reverse: papers that read it with h5py write 116 × 2890 × 2075.
        shape=(2075, 2890, 116),
        citation="D. Hong et al., Cross-city matters: a multimodal remote sensing benchmark dataset for cross-city "
        "semantic segmentation using high-resolution domain adaptation networks, Remote Sensing of Environment 299, "
        "113856, 2023",
        form="big scene",
        sensor="Gaofen-5 AHSI",
        label_scale=3,
        label_majority=5,
        second_image="c2seg_wuhan/wuhan.mat",
        second_key="MSI",
        second_shape=(6225, 8670, 4),
        second_scale=3,
        split_rule="Beijing for training and Wuhan for test in the benchmark; LO-SST cuts Wuhan alone into 128 x 128 "
        "patches, 80 % for training",
        files=(RemoteFile("c2seg_wuhan/wuhan.mat"), RemoteFile("c2seg_wuhan/wuhan_label.mat")),
        homepage="https://github.com/danfenghong/RSE_Cross-city",
        obtain="the homepage links Google Drive and Baidu folders that hold the full scenes",
        caveat="Labels are on the 10 m grid, 3 times finer than the cube; the majority rule is ours. The benchmark's "
        "own code ignores the background, LO-SST lists it as a class: for 13 classes give label_ids 1 to 13 and "
        "ignore_ids=[0]. The same file holds SAR (2 bands) under SAR.",
    ),
    "whu_ohs": SceneInfo(
        title="WHU-OHS",
        image="whu_ohs",
        classes=(
            "Paddy field",
            "Dry farm",
            "Woodland",
            "Shrubbery",
            "Sparse woodland",
            "Other forest land",
            "High-covered grassland",
            "Medium-covered grassland",
            "Low-covered grassland",
            "River canal",
            "Lake",
            "Reservoir pond",
            "Beach land",
            "Shoal",
            "Urban built-up",
            "Rural settlement",
            "Other construction land",
            "Sand",
            "Gobi",
            "Saline-alkali soil",
            "Marshland",
            "Bare land",
            "Bare rock",
            "Ocean",
        ),
        label_ids=tuple(range(1, 25)),
        palette=(
            (190, 210, 255),
            (0, 255, 197),
            (38, 115, 0),
            (163, 255, 115),
            (76, 230, 0),
            (85, 255, 0),
            (115, 115, 0),
            (168, 168, 0),
            (255, 255, 0),
            (115, 178, 255),
            (0, 92, 230),
            (0, 38, 115),
            (122, 142, 245),
            (0, 168, 132),
            (115, 0, 0),
            (255, 127, 127),
            (255, 190, 190),
            (255, 190, 232),
            (255, 0, 197),
            (230, 0, 169),
            (168, 0, 132),
            (115, 0, 76),
            (255, 115, 223),
            (161, 161, 161),
        ),
        shape=(512, 512, 32),
        wavelengths=_OHS_WAVELENGTHS,
        rgb_bands=(13, 6, 1),
        citation="J. Li, X. Huang, L. Tu, WHU-OHS: a benchmark dataset for large-scale hyperspectral image "
        "classification, International Journal of Applied Earth Observation and Geoinformation 113, 103022, 2022",
        form="tiles",
        sensor="Orbita OHS",
        value_scale=10000,
        split_rule="folders tr, val and ts; the file name begins with its scene: S1 to S8, T1 to T8, O1 to O26",
        subsets=(
            TileSubset("train", image_dir="tr/image", label_dir="tr/label", tiles=4822),
            TileSubset("val", image_dir="val/image", label_dir="val/label", tiles=513),
            TileSubset("test", image_dir="ts/image", label_dir="ts/label", tiles=2460),
        ),
        homepage="http://irsip.whu.edu.cn/resources/WHU_OHS_show.php",
        obtain="the homepage links an archive for each of training, validation and test",
        caveat="Published as cut with a stride of 32; whether tiles of different subsets overlap is not confirmed.",
    ),
    "enmap_potsdam": SceneInfo(
        title="EnMAP Potsdam",
        **_POTSDAM,
        image="enmap_potsdam",
        shape=(32, 32, 224),
        form="tiles",
        split_rule="lists of tiles in train_files.csv, validation_files.csv and test_files.csv",
        subsets=(
            TileSubset("train", split_file="train_files.csv"),
            TileSubset("val", split_file="validation_files.csv"),
            TileSubset("test", split_file="test_files.csv"),
        ),
        caveat="Bands 129 to 134 (from 0) are empty and flagged by the files, which also carry the wavelengths. Most "
        "pixels have no label. Ids 4 and 5 are tree and soil: their mean NDVI is 0.78 and 0.36, and EnMAP-Box's style "
        "of the land cover has them in this order.",
    ),
    "enmap_potsdam_scene": SceneInfo(
        title="EnMAP Potsdam scene",
        **_POTSDAM,
        image="enmap_potsdam/images/*.tif",
        labels="enmap_potsdam/labels/*.tif",
        shape=(192, 160, 224),
        split_rule="none: 18 tiles of 32 x 32 pixels in their places, which DisjointSplit(block=32) keeps whole",
        caveat="Windows reach from tile to tile; between tiles there is no data. Else as enmap_potsdam.",
    ),
}
