"""Small files in the layout of the public data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import rasterio
import scipy.io

from mmhsi.datasets import CATALOGUE, SceneInfo
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.io import HSICube, write_class_map, write_cube

if TYPE_CHECKING:
    from pathlib import Path

HEIGHT, WIDTH = 24, 26
MAP_SPLITS = {
    "houston2013": ("TRLabel", "TSLabel"),
    "whu_hi_longkou": ("LKtrain100", "LKtest100"),
    "whu_hi_hanchuan": ("Train100", "Test100"),
    "whu_hi_honghu": ("HHCYtrain100", "HHCYtest100"),
}
"""Scenes with supplied maps of training and test pixels, and the maps' variables."""
ENMAP_TASKS = tuple(f"enmap_{task}" for task in ("cdl", "nlcd", "bnetd", "eurocrops", "treemap", "corine", "bdforet"))
TASKS = (*ENMAP_TASKS, "desis_cdl", "eo1_cdl")
"""Of SpectralEarth's authors."""


def write_variables(path: Path, variables: dict[str, np.ndarray]) -> None:
    """Write or extend a ``.mat`` file of version 5."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {k: v for k, v in scipy.io.loadmat(path).items() if not k.startswith("__")} if path.exists() else {}
    scipy.io.savemat(path, {**known, **variables})


def write_mat_scene(root: Path, name: str) -> np.ndarray:
    """A scene of the entry's variables, bands and label ids; returns the labels on the cube's grid."""
    info = CATALOGUE[name]
    rng = np.random.default_rng(0)
    # The Houston crop's other two classes are too small to be kept.
    kept = (1, 2, 3, 5, 6, 7, 9, 10, 11, 12) if name == "houston2018_crop" else info.label_ids
    ids = [*info.ignore_ids, *kept]
    labels = rng.choice(ids, (HEIGHT, WIDTH)).astype(np.uint8)
    bands = info.shape[2]
    cube = (rng.normal(2000, 300, (HEIGHT, WIDTH, bands)) + 40 * labels[..., None]).astype(np.int16)
    write_variables(root / info.image, {info.image_key: cube})
    fine = labels.repeat(info.label_scale, 0).repeat(info.label_scale, 1)
    write_variables(root / info.labels, {info.labels_key: fine})
    if info.second_image is not None:
        scale, channels = info.second_scale, info.second_shape[2]
        second = rng.normal(100, 20, (HEIGHT * scale, WIDTH * scale, channels)).astype(np.float32)
        write_variables(root / info.second_image, {info.second_key: second[..., 0] if channels == 1 else second})
    return labels


def split_pixels(info: SceneInfo, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices: 4 training pixels a class, 60 test pixels."""
    train = np.concatenate([np.flatnonzero(labels == label)[:4] for label in info.label_ids])
    return train, np.setdiff1d(np.flatnonzero(np.isin(labels, info.label_ids)), train)[:60]


def write_scenes(root: Path) -> None:
    """Every scene of the catalogue that is one cube with labels, and the splits that some of them come with."""
    for name in (
        "indian_pines",
        "pavia_university",
        "salinas",
        "salinas_a",
        "houston2018",
        "houston2018_crop",
        "berlin",
        *MAP_SPLITS,
    ):
        info, labels = CATALOGUE[name], write_mat_scene(root, name)
        if not info.split_files:
            continue
        train, test = split_pixels(info, labels)
        if name in MAP_SPLITS:
            for file, key, pixels in zip(info.split_files, MAP_SPLITS[name], (train, test), strict=True):
                chosen = np.zeros_like(labels)
                chosen.flat[pixels] = labels.flat[pixels]
                write_variables(root / file, {key: chosen})
        else:
            key = name.removesuffix("2018")
            pairs = {
                f"{key}_{part}": np.argwhere(np.ones_like(labels))[i]
                for part, i in zip(("train", "test"), (train, test), strict=True)
            }
            write_variables(root / info.split_files[0], pairs)
    write_scene(simulate_scene(40, 40, 64), root / "demo")


def write_tiles(
    folder: Path, info: SceneInfo, names: list[str], size: int, bad: tuple[int, ...] = (), wavelengths=None, row=None
) -> None:
    """GeoTIFF pairs with every label id; with `row`, side by side in this row of tiles on the ground."""
    rng = np.random.default_rng(0)
    good = np.ones(info.shape[2], dtype=bool)
    good[list(bad)] = False
    for column, (name, (images, labels)) in enumerate(names):
        corner = None if row is None else rasterio.Affine(30, 0, 30 * size * column, 0, -30, -30 * size * row)
        place = {} if corner is None else dict(crs=rasterio.CRS.from_epsg(32633), transform=corner)
        (folder / images).mkdir(parents=True, exist_ok=True)
        (folder / labels).mkdir(parents=True, exist_ok=True)
        truth = rng.integers(0, len(info.classes) + 1, (size, size)).astype(np.uint8)
        data = (rng.normal(900, 200, (size, size, info.shape[2])) + 100 * truth[..., None]).astype(np.float32)
        data[:, :, ~good] = -32768
        write_cube(
            folder / images / name, HSICube(data, wavelengths=wavelengths, good_bands=good, nodata=-32768, **place)
        )
        classes = [str(label) for label in range(len(info.classes) + 1)]
        write_class_map(folder / labels / name, truth, class_names=classes, palette=[(0, 0, 0)] * len(classes), **place)


def write_enmap_potsdam(root: Path) -> None:
    """Tiles of 224 bands with their centres, of which 6 are flagged and empty, csv splits."""
    folder, info = root / "enmap_potsdam", CATALOGUE["enmap_potsdam"]
    nm = np.linspace(418, 2446, info.shape[2])
    for row, part in enumerate(("train", "validation", "test")):
        names = [f"{part}_{index}.tif" for index in range(2)]
        write_tiles(folder, info, [(name, ("images", "labels")) for name in names], 32, info.bad_bands, nm, row)
        lines = ["image,mask", *(f"images/{name},labels/{name}" for name in names)]
        (folder / f"{part}_files.csv").write_text("\n".join(lines) + "\n")


def write_whu_ohs(root: Path) -> None:
    """Tiles of 32 bands and 25 ids in folders; 128 x 128 in place of 512 x 512."""
    for part in ("tr", "val", "ts"):
        names = [(f"S1_000{index}.tif", (f"{part}/image", f"{part}/label")) for index in range(2)]
        write_tiles(root / "whu_ohs", CATALOGUE["whu_ohs"], names, 128)


def write_c2seg_wuhan(root: Path) -> None:
    """One scene of 116 bands in a MATLAB 7.3 file, labels three times finer, 14 ids; three tiles of 128 x 128."""
    info, rng = CATALOGUE["c2seg_wuhan"], np.random.default_rng(0)
    labels = rng.integers(0, 14, (392, 136)).repeat(3, 0).repeat(3, 1).astype(np.uint8)
    cube = rng.random((392, 136, 116), dtype=np.float32)
    (root / "c2seg_wuhan").mkdir(parents=True)
    with h5py.File(root / info.image, "w") as file:  # MATLAB 7.3 stores the axes in reverse
        file.create_dataset("HSI", data=cube.transpose(2, 1, 0)).attrs["MATLAB_class"] = np.bytes_("single")
    with h5py.File(root / info.labels, "w") as file:
        file.create_dataset("label", data=labels.T).attrs["MATLAB_class"] = np.bytes_("uint8")


def write_abu(root: Path) -> None:
    """The corpus's files and band counts."""
    rng = np.random.default_rng(0)
    for scene in CATALOGUE["abu"].corpus:
        cube = rng.integers(-50, 6000, (36, 36, scene.shape[2])).astype(np.int16)
        write_variables(root / scene.image, {"data": cube, "map": np.zeros((36, 36), dtype=np.uint8)})


def write_hyperview(root: Path) -> None:
    """Fields of other sizes as masked arrays (150, H, W), a table of four soil parameters, the bands' centres."""
    folder, rng = root / "hyperview" / "train_data", np.random.default_rng(0)
    folder.mkdir(parents=True)
    lines = ["sample_index,P,K,Mg,pH"]
    for index in range(20):
        height, width = rng.integers(11, 16, 2)
        data = rng.integers(100, 900, (150, height, width)).astype(np.int16)
        mask = np.zeros(data.shape, dtype=bool)
        mask[:, :2] = True
        np.savez(folder / f"{index}.npz", data=data, mask=mask)
        lines.append(f"{index},{rng.normal(70, 20):.1f},{rng.normal(228, 60):.1f},{rng.normal(159, 40):.1f},6.8{index}")
    (root / "hyperview" / "train_gt.csv").write_text("\n".join(lines) + "\n")
    centres = [f"{band},{462.08 + 3.2 * band:.2f}" for band in range(150)]
    (root / "hyperview" / "wavelengths.csv").write_text("\n".join(["band_index,wavelength", *centres]) + "\n")


def write_image(path: Path, data: np.ndarray) -> None:
    """A GeoTIFF as other software writes it, (C, H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = dict(driver="GTiff", count=len(data), height=data.shape[1], width=data.shape[2], dtype=data.dtype)
    place = dict(crs="EPSG:32633", transform=rasterio.Affine(30, 0, 500000, 0, -30, 5000000))
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(data)


def write_enmap_tasks(root: Path) -> None:
    """SpectralEarth's tasks: lists of names such as 0000823/04138.tif, 32 x 32 in place of 128 x 128, an unused id."""
    rng = np.random.default_rng(0)
    for info in (CATALOGUE[name] for name in TASKS):
        for subset in info.subsets:
            names = [f"00000{index}/0413{index}.tif" for index in range(2)]
            ids = np.array([0, 7777, *info.label_ids], np.uint32)
            for name in (f"{subset.name}{name}" for name in names):
                labels = rng.choice(ids, (1, 32, 32))
                data = rng.normal(900, 200, (info.shape[2], 32, 32)) + 100 * np.searchsorted(ids, labels)
                write_image(root / info.image / subset.image_dir / name, data.astype(np.int16))
                write_image(root / info.image / subset.label_dir / name, labels)
            file = root / info.image / subset.split_file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(f"{subset.name}{name}" for name in names))


def write_enmap_corpora(root: Path) -> None:
    """SpectralEarth's folder a place; HySpecNet-11k's folder a tile and patch, listed under the names of .npy files."""
    rng = np.random.default_rng(0)
    for index in range(3):
        data = rng.integers(100, 3000, (202, 36, 36)).astype(np.int16)
        write_image(root / "spectral_earth" / "enmap" / f"000000{index}" / "04138.tif", data)
    for subset in CATALOGUE["hyspecnet_11k"].subsets:
        tile = f"ENMAP01-____L2A-{subset.name}_V010110"
        names = [f"{tile}/{tile}-Y0{index}/{tile}-Y0{index}" for index in range(2)]
        for name in names:
            data = rng.integers(100, 3000, (224, 36, 36)).astype(np.int16)
            data[list(CATALOGUE["hyspecnet_11k"].bad_bands)] = -32768
            write_image(root / "hyspecnet-11k" / "patches" / f"{name}-SPECTRAL_IMAGE.TIF", data)
        file = root / "hyspecnet-11k" / subset.split_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(f"{name}-DATA.npy" for name in names) + "\n")


def write_all(root: Path) -> None:
    """Everything that the configs read."""
    write_scenes(root)
    write_enmap_potsdam(root)
    write_whu_ohs(root)
    write_c2seg_wuhan(root)
    write_abu(root)
    write_hyperview(root)
    write_enmap_tasks(root)
    write_enmap_corpora(root)
