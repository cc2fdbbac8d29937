"""WHU-Hi: three scenes of fields, taken from a drone, with supplied training and test pixels."""

from __future__ import annotations

from .info import RemoteFile, SceneInfo

_CITATION = (
    "Y. Zhong et al., WHU-Hi: UAV-borne hyperspectral with high spatial resolution (H2) benchmark datasets and "
    "classifier for precise crop identification based on deep convolutional neural network with CRF, Remote Sensing "
    "of Environment 250, 112012, 2020"
)


def _scene(place: str, shape: tuple[int, int, int], classes: tuple[str, ...]) -> SceneInfo:
    """One of the three.

    Args:
        place: As the files spell it.
        shape: (H, W, C).
        classes: Names of ids 1 to K.
    """
    folder, name = f"WHU-Hi-{place}", f"WHU_Hi_{place}"
    files = [f"{folder}/{file}.mat" for file in (name, f"{name}_gt", "Train100", "Test100")]
    return SceneInfo(
        title=f"WHU-Hi-{place}",
        image=files[0],
        image_key=name,
        labels=files[1],
        labels_key=f"{name}_gt",
        classes=classes,
        label_ids=tuple(range(1, len(classes) + 1)),
        shape=shape,
        wavelengths=tuple(round(400 + 600 * band / (shape[2] - 1), 2) for band in range(shape[2])),
        wavelengths_nominal=True,
        citation=_CITATION,
        sensor="Headwall Nano-Hyperspec",
        split_files=tuple(files[2:]),
        split_rule="supplied: maps of 100 training pixels a class (Train100.mat) and of the others (Test100.mat)",
        files=tuple(RemoteFile(file) for file in files),
        homepage="http://rsidea.whu.edu.cn/resource_WHUHi_sharing.htm",
        obtain="the homepage links the scenes as .mat files, and the maps of training and test pixels, which go beside "
        "them",
        caveat="Wavelengths are nominal: 400 to 1000 nm spread evenly. The supplied training pixels lie among the test "
        "pixels: windows around them overlap.",
    )


WHU_HI: dict[str, SceneInfo] = {
    "whu_hi_longkou": _scene(
        "LongKou",
        (550, 400, 270),
        (
            "Corn",
            "Cotton",
            "Sesame",
            "Broad-leaf soybean",
            "Narrow-leaf soybean",
            "Rice",
            "Water",
            "Roads and houses",
            "Mixed weed",
        ),
    ),
    "whu_hi_hanchuan": _scene(
        "HanChuan",
        (1217, 303, 274),
        (
            "Strawberry",
            "Cowpea",
            "Soybean",
            "Sorghum",
            "Water spinach",
            "Watermelon",
            "Greens",
            "Trees",
            "Grass",
            "Red roof",
            "Gray roof",
            "Plastic",
            "Bare soil",
            "Road",
            "Bright object",
            "Water",
        ),
    ),
    "whu_hi_honghu": _scene(
        "HongHu",
        (940, 475, 270),
        (
            "Red roof",
            "Road",
            "Bare soil",
            "Cotton",
            "Cotton firewood",
            "Rape",
            "Chinese cabbage",
            "Pakchoi",
            "Cabbage",
            "Tuber mustard",
            "Brassica parachinensis",
            "Brassica chinensis",
            "Small Brassica chinensis",
            "Lactuca sativa",
            "Celtuce",
            "Film covered lettuce",
            "Romaine lettuce",
            "Carrot",
            "White radish",
            "Garlic sprout",
            "Broad bean",
            "Tree",
        ),
    ),
}
