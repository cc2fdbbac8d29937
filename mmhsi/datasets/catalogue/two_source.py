"""Scenes with a second, co-registered source: LiDAR, SAR or a finer colour image."""

from __future__ import annotations

from .info import ArchiveMember, RemoteFile, SceneInfo

_RELEASE = "https://github.com/songyz2019/rs-fusion-datasets-dist/releases/download/v1.0.0"
_HOUSTON_HOMEPAGE = (
    "https://machinelearning.ee.uh.edu/"
    "2018-ieee-grss-data-fusion-challenge-fusion-of-multispectral-lidar-and-hyperspectral-data/"
)
_HOUSTON_CITATION = (
    "Y. Xu et al., Advanced multi-sensor optical remote sensing for urban land use and land cover classification: "
    "outcome of the 2018 IEEE GRSS Data Fusion Contest, IEEE JSTARS 12(6), 2019; data of the Hyperspectral Image "
    "Analysis Laboratory and the National Center for Airborne Laser Mapping, University of Houston"
)

TWO_SOURCE: dict[str, SceneInfo] = {
    "houston2013": SceneInfo(
        title="Houston 2013",
        image="Houston2013/HSI.mat",
        image_key="HSI",
        labels="Houston2013/gt.mat",
        labels_key="gt",
        classes=(
            "Healthy grass",
            "Stressed grass",
            "Synthetic grass",
            "Trees",
            "Soil",
            "Water",
            "Residential",
            "Commercial",
            "Road",
            "Highway",
            "Railway",
            "Parking lot 1",
            "Parking lot 2",
            "Tennis court",
            "Running track",
        ),
        label_ids=tuple(range(1, 16)),
        shape=(349, 1905, 144),
        wavelengths=tuple(round(364 + 682.1 * band / 143, 1) for band in range(144)),
        citation="C. Debes et al., Hyperspectral and LiDAR data fusion: outcome of the 2013 GRSS Data Fusion Contest, "
        "IEEE JSTARS 7(6), 2014; data of the Hyperspectral Image Analysis Laboratory, University of Houston, and the "
        "National Center for Airborne Laser Mapping",
        form="two-source scene",
        sensor="CASI-1500 + LiDAR",
        second_image="Houston2013/LiDAR.mat",
        second_key="LiDAR",
        second_shape=(349, 1905, 1),
        split_files=("Houston2013/TRLabel.mat", "Houston2013/TSLabel.mat"),
        split_rule="supplied: maps of the training pixels (TRLabel.mat) and test pixels (TSLabel.mat)",
        files=(
            RemoteFile(
                "Houston2013/HSI.mat",
                sha256="6a0edba3c224df411623ed5774fc34e91929ab341709859b2f56cc38dbb3c6fd",
            ),
            RemoteFile(
                "Houston2013/LiDAR.mat",
                sha256="7aa956e7c371fd29a495f0cb9bb8f572aaa4065fcfeda2b3e854a5cef74b35ad",
            ),
            RemoteFile(
                "Houston2013/gt.mat",
                sha256="75ecccc08ac7709e48285bb098fda802da6efd6dc0168cb1c99c6ce09d0b6ae0",
            ),
            RemoteFile(
                "Houston2013/TRLabel.mat",
                sha256="96ce863eaf4dc548c3140a480dee33c812d46194ae5ed345fed6e71a3d72b527",
            ),
            RemoteFile(
                "Houston2013/TSLabel.mat",
                sha256="46bd849d556c80ed67b33f23dd288eafa7ac9f97a847390be373b702b0bf5a45",
            ),
        ),
        homepage="https://github.com/likyoo/Multimodal-Remote-Sensing-Toolkit",
        obtain="the homepage links the .mat copy of the contest's data",
        caveat="The .mat copy of Multimodal-Remote-Sensing-Toolkit, with its checksums. Wavelengths are those of the "
        "contest's own header to within 0.2 nm. Whether gt.mat holds all pixels of both maps is not confirmed; a split "
        "that names unlabelled pixels is refused. The contest's own terms apply.",
    ),
    "houston2018": SceneInfo(
        title="Houston 2018",
        image="Houston2018/houston_hsi.mat",
        image_key="houston_hsi",
        labels="Houston2018/houston_gt.mat",
        labels_key="houston_gt",
        classes=(
            "Healthy grass",
            "Stressed grass",
            "Artificial turf",
            "Evergreen trees",
            "Deciduous trees",
            "Bare earth",
            "Water",
            "Residential buildings",
            "Non-residential buildings",
            "Roads",
            "Sidewalks",
            "Crosswalks",
            "Major thoroughfares",
            "Highways",
            "Railways",
            "Paved parking lots",
            "Unpaved parking lots",
            "Cars",
            "Trains",
            "Stadium seats",
        ),
        label_ids=tuple(range(1, 21)),
        shape=(1202, 4768, 50),
        rgb_bands=(19, 12, 6),
        citation=_HOUSTON_CITATION,
        form="two-source scene",
        sensor="CASI-1500 + LiDAR",
        bad_bands=(48, 49),
        second_image="Houston2018/houston_lidar.mat",
        second_key="houston_lidar",
        second_shape=(1202, 4768, 1),
        split_files=("Houston2018/houston_index.mat",),
        split_rule="houston_index.mat: (row, column) pairs from 0 in houston_train and houston_test",
        files=(
            RemoteFile(
                "houston2018-ouc.zip",
                f"{_RELEASE}/houston2018-ouc.zip",
                sha256="bc1e046cc00b82661441888b17327b38946a0da33951eb4ebb7d0a4e0ca3cfa2",
                members=(
                    ArchiveMember(
                        "Houston2018/houston_hsi.mat",
                        "35a4a9a2bad193740274c6388f18284fc586a2ef5bde579368796fbeec2a58ea",
                    ),
                    ArchiveMember(
                        "Houston2018/houston_lidar.mat",
                        "a55fa2d99684078dd0d8039b2ca1349190d86766426a25e8dff7fbd5df036d9b",
                    ),
                    ArchiveMember(
                        "Houston2018/houston_gt.mat",
                        "93f268e576fcf149fab8cb71b4a79691b420e9a3f369f0cbc73e2029639f6286",
                    ),
                    ArchiveMember(
                        "Houston2018/houston_index.mat",
                        "2d513db197f105b6b82e7039909878862fbe48750a93184017f22ab8f288d0b3",
                    ),
                ),
            ),
        ),
        homepage=_HOUSTON_HOMEPAGE,
        caveat="The .mat copy that SS-MAE and DCMNet use, all on the 0.5 m grid of the labels; the download is a third "
        "party's copy of it. Bands 48 and 49 (from 0) hold no spectra. The contest's own terms apply.",
    ),
    "houston2018_crop": SceneInfo(
        title="Houston 2018, stadium crop",
        image="houston2018_crop/houston_dataset.mat",
        image_key="hyprImg",
        labels="houston2018_crop/houston_dataset.mat",
        labels_key="clasLabs",
        classes=tuple(f"class {class_id}" for class_id in range(1, 13)),
        label_ids=tuple(range(1, 13)),
        shape=(128, 128, 48),
        rgb_bands=(23, 13, 7),
        citation=_HOUSTON_CITATION,
        form="two-source scene",
        sensor="CASI-1500 + RGB",
        label_scale=4,
        label_majority=9,
        min_class_pixels=10,
        second_image="houston2018_crop/houston_dataset.mat",
        second_key="rgbImg",
        second_shape=(512, 512, 3),
        second_scale=4,
        files=(RemoteFile("houston2018_crop/houston_dataset.mat"),),
        homepage=_HOUSTON_HOMEPAGE,
        caveat="Classes were renumbered by whoever cut the crop and have no published names. Labels and RGB are 4 "
        "times finer than the cube.",
    ),
    "berlin": SceneInfo(
        title="Berlin",
        image="Berlin/berlin_hsi.mat",
        image_key="berlin_hsi",
        labels="Berlin/berlin_gt.mat",
        labels_key="berlin_gt",
        classes=(
            "Forest",
            "Residential area",
            "Industrial area",
            "Low plants",
            "Soil",
            "Allotment",
            "Commercial area",
            "Water",
        ),
        label_ids=tuple(range(1, 9)),
        shape=(1723, 476, 244),
        citation="D. Hong, J. Hu, J. Yao, J. Chanussot, X. X. Zhu, Multimodal remote sensing benchmark datasets for "
        "land cover classification with a shared and specific feature learning model, ISPRS Journal 178, 2021; cube "
        "from A. Okujeni, S. van der Linden, P. Hostert, Berlin-Urban-Gradient dataset 2009, "
        "doi:10.5880/enmap.2016.008",
        form="two-source scene",
        sensor="EnMAP (simulated) + Sentinel-1",
        second_image="Berlin/berlin_sar.mat",
        second_key="berlin_sar",
        second_shape=(1723, 476, 4),
        split_files=("Berlin/berlin_index.mat",),
        split_rule="berlin_index.mat: (row, column) pairs from 0 in berlin_train and berlin_test",
        files=(
            RemoteFile(
                "berlin-ouc.zip",
                f"{_RELEASE}/berlin-ouc.zip",
                sha256="5fdd156b0283bddab3cf9916f34d3d6b3a2ceb68e7c38c3f8022292199aafcf8",
                members=(
                    ArchiveMember(
                        "Berlin/berlin_hsi.mat", "580f397d9f249b4ec3f02b8cc570d910d765afa9f77b17d8a4f4799edee94b1f"
                    ),
                    ArchiveMember(
                        "Berlin/berlin_sar.mat", "a6cf2f86db7f1a02c340e813a7b46f9c6c58e297e1eb9b5fa19ed49244b2b8a7"
                    ),
                    ArchiveMember(
                        "Berlin/berlin_gt.mat", "dd9286cd565535857721627878de3cbebffa2dacc625b539474d16cba3a7343e"
                    ),
                    ArchiveMember(
                        "Berlin/berlin_index.mat", "1a66ec454ea95bbf5782525d9fcf9a04412a948b7b3aa6919ed324516d42a8b5"
                    ),
                ),
            ),
        ),
        homepage="https://github.com/danfenghong/ISPRS_S2FL",
        caveat="The .mat copy that SS-MAE and DCMNet use, the cube resampled to the SAR grid; the download is a third "
        "party's copy of it. 400 to 2500 nm, band centres not confirmed.",
    ),
}
