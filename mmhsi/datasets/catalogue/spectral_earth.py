"""Corpora of EnMAP tiles: HySpecNet-11k, SpectralEarth and the tasks that its authors measure on, with their splits."""

from __future__ import annotations

from .enmap_bands import ENMAP_202, ENMAP_ABSORPTION
from .info import SceneInfo, TileSubset

_CODE = "https://github.com/AABNassim/spectral_earth"
_PAPER = (
    "N. A. A. Braham, C. M. Albrecht, J. Mairal, J. Chanussot, Y. Wang, X. X. Zhu, SpectralEarth: training "
    "hyperspectral foundation models at scale, 2024, arXiv:2408.08447"
)
_CITATION = f"{_PAPER}; EnMAP L2A (DLR)"
_RGB = (43, 28, 10)
_OBTAIN = "EnMAP's geoservice at DLR offers the tiles to whoever has an account"


def _task(
    name: str,
    of: str,
    tiles: tuple[int, int, int],
    ids: tuple[int, ...],
    classes: tuple[str, ...],
    caveat: str,
    same_ids: tuple[tuple[int, int], ...] = (),
    sensor: str = "EnMAP",
    bands: int = 202,
) -> SceneInfo:
    """A segmentation task: the layout of the repository's folder ``data``.

    Args:
        name: Of the task and of its folder of label maps.
        of: What the labels are, and of where.
        tiles: Tiles for training, validation and test.
        ids: Ids of the classes.
        classes: Their names.
        caveat: What is not confirmed.
        same_ids: Further ids of classes.
        sensor: Of the tiles; of others than EnMAP no more is known.
        bands: Its bands.
    """
    short, enmap = sensor.lower().replace("-", ""), sensor == "EnMAP"
    folder = f"{short}_{name.lower()}"
    return SceneInfo(
        title=f"{sensor}-{name}",
        image="spectral_earth",
        classes=classes,
        label_ids=ids,
        ignore_others=True,
        same_ids=same_ids,
        shape=(128, 128, bands),
        wavelengths=ENMAP_202 if enmap else None,
        rgb_bands=_RGB if enmap else None,
        citation=f"{_CITATION if enmap else _PAPER}; {of}",
        form="tiles",
        sensor=sensor,
        value_scale=10000 if enmap else None,
        split_rule=f"lists of tiles in splits/{folder}, published with the code",
        subsets=tuple(
            TileSubset(
                part,
                split_file=f"splits/{folder}/{part}.txt",
                image_dir=f"{folder}/{short}",
                label_dir=f"{folder}/{name.lower()}",
                tiles=count,
            )
            for part, count in zip(("train", "val", "test"), tiles, strict=True)
        ),
        homepage=_CODE,
        obtain=f"{_OBTAIN if enmap else 'ask the authors'}; the lists lie in the repository's data/splits",
        caveat=f"Ids of no class mean no label, as in the authors' code. {caveat}",
    )


def _numbered(ids: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"class {label}" for label in ids)


_BNETD = (1, 2, 3, 6, 9, 10, 13, 15, 16, 21)
_BDFORET = (1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 14, 16)
_EUROCROPS = (
    *(3301090205, 3301010600, 3301090303, 3301010800, 3301090301, 3303060000, 3303030600, 3303050000),
    *(3303030100, 3301060500, 3301060300, 3303010000, 3301020000, 3301160000, 3301029900),
)
_TREEMAP = {
    184: "Juniper woodland",
    185: "Pinyon / juniper woodland",
    221: "Ponderosa pine",
    924: "Blue oak",
    105: "Eastern hemlock",
    503: "White oak / red oak / hickory",
    520: "Mixed upland hardwoods",
    706: "Sugarberry / hackberry / elm / green ash",
    801: "Sugar maple / beech / yellow birch",
    201: "Douglas-fir",
    264: "Pacific silver fir",
    266: "Engelmann spruce / subalpine fir",
    281: "Lodgepole pine",
    301: "Western hemlock",
    901: "Aspen",
    406: "Loblolly pine / hardwood",
    923: "Oregon white oak",
    142: "Slash pine",
    161: "Loblolly pine",
    602: "Sweetgum / Nuttall oak / willow oak",
    607: "Baldcypress / water tupelo",
    608: "Sweetbay / swamp tupelo / red maple",
    267: "Grand fir",
    371: "California mixed conifer",
}
_CDL = {
    1: "Corn",
    2: "Cotton",
    3: "Rice",
    4: "Sorghum",
    5: "Soybeans",
    6: "Sunflower",
    41: "Sugarbeets",
    42: "Dry beans",
    43: "Potatoes",
    45: "Sugarcane",
    49: "Onions",
    54: "Tomatoes",
    56: "Hops",
    68: "Apples",
    69: "Grapes",
    72: "Citrus",
    75: "Almonds",
    76: "Walnuts",
    204: "Pistachios",
    210: "Prunes",
}
_CROPS = "crops of the Cropland Data Layer (USDA), USA"
_CDL_ENMAP = (1, 2, 3, 4, 5, 6, 45, 54, 69, 72, 75, 76, 204, 210)
_CDL_DESIS = (1, 2, 3, 5, 42, 43, 49, 54, 56, 68, 69, 75, 76, 204)
_CDL_EO1 = (1, 2, 3, 4, 5, 6, 41, 42, 43, 54, 69, 75, 76, 204)
_NLCD = {
    11: "Open water",
    21: "Developed, open space",
    22: "Developed, low intensity",
    23: "Developed, medium intensity",
    24: "Developed, high intensity",
    31: "Barren land",
    41: "Deciduous forest",
    42: "Evergreen forest",
    43: "Mixed forest",
    52: "Shrub and scrub",
    71: "Grassland and herbaceous",
    81: "Pasture and hay",
    82: "Cultivated crops",
    90: "Woody wetlands",
    95: "Emergent herbaceous wetlands",
}
_CORINE = {
    "Urban fabric": (111, 112),
    "Industrial or commercial units": (121,),
    "Arable land": (211, 212, 213),
    "Permanent crops": (221, 222, 223, 241),
    "Pastures": (231,),
    "Complex cultivation patterns": (242,),
    "Agriculture with significant areas of natural vegetation": (243,),
    "Agro-forestry areas": (244,),
    "Broad-leaved forest": (311,),
    "Coniferous forest": (312,),
    "Mixed forest": (313,),
    "Natural grassland and sparsely vegetated areas": (321, 333),
    "Moors, heathland and sclerophyllous vegetation": (322, 323),
    "Transitional woodland, shrub": (324,),
    "Beaches, dunes, sands": (331,),
    "Inland wetlands": (411, 412),
    "Coastal wetlands": (421, 422),
    "Inland waters": (511, 512),
    "Marine waters": (521, 522, 523),
}
_LEGEND = "The ids are those of the authors' code, their names those of the map's own legend."
_LITTLE = "Band centres, units and the tiles' side are not confirmed."
_UNNAMED = "The ids are those of the authors' code, which does not name the classes."

ENMAP_TILES: dict[str, SceneInfo] = {
    "hyspecnet_11k": SceneInfo(
        title="HySpecNet-11k",
        image="hyspecnet-11k",
        shape=(128, 128, 224),
        citation="M. H. P. Fuchs, B. Demir, HySpecNet-11k: a large-scale hyperspectral dataset for benchmarking "
        "learning-based hyperspectral image compression methods, IEEE IGARSS 2023, arXiv:2306.00385; EnMAP L2A (DLR)",
        form="tiles",
        sensor="EnMAP",
        bad_bands=ENMAP_ABSORPTION,
        value_scale=10000,
        split_rule="lists in splits/easy (by patch) and splits/hard (by tile): 70 % train, 20 % val, 10 % test",
        subsets=tuple(
            TileSubset(
                f"{part}-{rule}",
                split_file=f"splits/{rule}/{part}.csv",
                image_dir="patches",
                suffix="-SPECTRAL_IMAGE.TIF",
                listed_as="-DATA.npy",
            )
            for rule in ("easy", "hard")
            for part in ("train", "val", "test")
        ),
        homepage="https://hyspecnet.rsim.berlin",
        obtain="the homepage links the archives; patches/TILE/PATCH/PATCH-SPECTRAL_IMAGE.TIF as they are extracted",
        caveat="11,483 patches without labels. The lists name the .npy files that the authors' script makes; the "
        "GeoTIFFs that they are made of are read. 126 to 140 and 160 to 166 (from 0) are the bands that the authors "
        "leave out.",
    ),
    "spectral_earth": SceneInfo(
        title="SpectralEarth",
        image="spectral_earth",
        shape=(128, 128, 202),
        wavelengths=ENMAP_202,
        rgb_bands=_RGB,
        citation=_CITATION,
        form="tiles",
        sensor="EnMAP",
        value_scale=10000,
        split_rule="none: for pretraining",
        subsets=(TileSubset("all", image_dir="enmap", suffix="/*.tif"),),
        homepage=_CODE,
        obtain=_OBTAIN,
        caveat="538,974 tiles of 415,000 places, a folder a place. The order of the bands is that of the authors' "
        "table, where those of the two spectrometers alternate from 902 to 993 nm.",
    ),
    "enmap_cdl": _task(
        "CDL",
        _CROPS,
        (1200, 160, 240),
        _CDL_ENMAP,
        tuple(_CDL[label] for label in _CDL_ENMAP),
        _LEGEND,
    ),
    "enmap_nlcd": _task(
        "NLCD",
        "National Land Cover Database (MRLC), USA",
        (10124, 1349, 2024),
        tuple(_NLCD),
        tuple(_NLCD.values()),
        _LEGEND,
    ),
    "enmap_bnetd": _task(
        "BNETD",
        "land cover of BNETD, Ivory Coast",
        (1575, 210, 315),
        _BNETD,
        _numbered(_BNETD),
        _UNNAMED,
    ),
    "enmap_eurocrops": _task(
        "EuroCrops",
        "crops of EuroCrops, Europe",
        (1260, 180, 360),
        _EUROCROPS,
        tuple(f"HCAT {label}" for label in _EUROCROPS),
        f"{_UNNAMED} They are codes of EuroCrops' own taxonomy (HCAT); the files' data type is not confirmed.",
    ),
    "enmap_treemap": _task(
        "TreeMap",
        "forest types of TreeMap (USDA Forest Service), USA",
        (7500, 1000, 1500),
        tuple(_TREEMAP),
        tuple(_TREEMAP.values()),
        f"{_LEGEND} These are forest types of the Forest Inventory and Analysis programme.",
    ),
    "enmap_corine": _task(
        "Corine",
        "CORINE Land Cover (EEA), Europe",
        (8250, 1100, 1650),
        tuple(ids[0] for ids in _CORINE.values()),
        tuple(_CORINE),
        "The authors' task is which of the 19 classes occur in a tile (configs/presence); they are groups of the map's "
        "own ids, those of the authors' code.",
        tuple((other, ids[0]) for ids in _CORINE.values() for other in ids[1:]),
    ),
    "enmap_bdforet": _task(
        "BDForet",
        "tree species of BD Foret V2 (IGN), France",
        (1912, 255, 383),
        _BDFORET,
        _numbered(_BDFORET),
        _UNNAMED,
    ),
    "desis_cdl": _task(
        "CDL",
        f"DESIS (DLR, Teledyne Brown Engineering); {_CROPS}",
        (750, 100, 150),
        _CDL_DESIS,
        tuple(_CDL[label] for label in _CDL_DESIS),
        f"{_LEGEND} {_LITTLE}",
        sensor="DESIS",
        bands=235,
    ),
    "eo1_cdl": _task(
        "CDL",
        f"EO-1 Hyperion (NASA, USGS); {_CROPS}",
        (357, 82, 111),
        _CDL_EO1,
        tuple(_CDL[label] for label in _CDL_EO1),
        f"{_LEGEND} {_LITTLE}",
        sensor="EO-1",
        bands=198,
    ),
}
