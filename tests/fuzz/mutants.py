"""Files that are whole but for some bytes: what a target reads, and how its files are changed."""

from __future__ import annotations

import importlib.util
import io
import re
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cube_files
import h5py
import numpy as np
import rasterio
import torch
from fuzz.checkpoint_mutants import written
from fuzz.product_seeds import ABUNDANCES, GRID, PRODUCTS, VECTORS, H, W, enmap_zip
from mmengine.registry import DefaultScope
from scene_models import META, PIXEL_CONV, STATISTICS

from mmhsi.datasets.drawn_labels import draw_labels
from mmhsi.datasets.splits import FileSplit, PairSplit
from mmhsi.datasets.tile_list import read_tile_list
from mmhsi.engine.runners import read_run
from mmhsi.errors import MMHSIError
from mmhsi.estimator.work_folder import save_model
from mmhsi.inference import SceneInferencer
from mmhsi.io import HSICube, open_cube, read_class_map, read_label_map, write_class_map, write_cube
from mmhsi.io.label_maps import open_label_map, read_labels
from mmhsi.io.placement import Grid
from mmhsi.io.zarr_writer import write_zarr
from mmhsi.models.weights import checkpoint_spec, read_checkpoint
from mmhsi.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

HEIGHT, WIDTH, BANDS = 12, 14, 5
CUBE = (np.arange(HEIGHT * WIDTH * BANDS).reshape(HEIGHT, WIDTH, BANDS) * 7 % 1009).astype(np.int16)
LABELS = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 3
_NUMBERS = (0, 1, 2, 4, 8, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1)
_WORDS = (b"0", b"-1", b"1e308", b"nan", b"99999999999", b"{", b"}", b"=", b"<", b"/vsicurl/http://192.0.2.1/a", b"\0")


@dataclass(frozen=True)
class Target:
    """A reader and the files that are mutated for it.

    Attributes:
        seeds: Each writes files into a folder and gives the one to open; all files of the folder may be changed.
        read: Reads the file; an error of mmhsi is as good as a result.
    """

    seeds: tuple[Callable[[Path], Path], ...]
    read: Callable[[Path], object]


def _read_cube(path: Path) -> object:
    with open_cube(path) as reader:
        info = reader.info
        reader.read((info.shape[0] - 1, info.shape[1] - 1, 1, 1)).valid()
        if np.prod(info.shape) < 1 << 22:
            reader.read().valid()
    return info.shape


def _read_both(path: Path) -> object:
    """As a cube; and as a label map, where that is none."""
    try:
        return _read_cube(path)
    finally:
        read_label_map(path)


def _read_product(path: Path) -> object:
    """As it is, and with its clouds, as the sensor saw it or with the panel beside it, where it has them."""
    for options in dict(mask=("cloud",)), dict(ortho=False), dict(white=path.with_name("panel.hdr")):
        with suppress(MMHSIError), open_cube(path, **options) as reader:
            reader.read((0, 0, 1, 1)).valid()
    return _read_cube(path)


def _read_drawn(path: Path) -> object:
    return draw_labels(path, Grid((H, W), rasterio.CRS.from_epsg(32633), GRID, "cube")).labels.shape


def _read_abundances(path: Path) -> object:
    shape = (H, W) if path.suffix == ".mat" else None
    with open_label_map(path, axes="band pixel" if shape else None, threshold=0.4, shape=shape) as reader:
        return read_labels(reader).shape


def _read_split(path: Path) -> object:
    return FileSplit(str(path))(LABELS, ["a", "b", "c"]).train.shape


def _read_pairs(path: Path) -> object:
    return PairSplit(str(path), "train", "test")(LABELS, ["a", "b", "c"]).train.shape


def _read_model(path: Path) -> object:
    return checkpoint_spec(read_checkpoint(path), path)


def _geotiff(**profile: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = cube_files.write_geotiff(folder / "scene.tif", CUBE, {1: {"wavelength": "450"}}, **profile)
        with rasterio.open(path, "r+") as dataset:
            dataset.scales = (0.5,) * BANDS
            dataset.write_mask(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 5 > 0)
        return path

    return write


def _vrt(folder: Path) -> Path:
    path = cube_files.write_geotiff(folder / "source.tif", CUBE)
    band = (
        '<VRTRasterBand dataType="Int16" band="{0}"><NoDataValue>7</NoDataValue><SimpleSource><SourceFilename '
        'relativeToVRT="1">source.tif</SourceFilename><SourceBand>{0}</SourceBand></SimpleSource></VRTRasterBand>'
    )
    text = "".join(band.format(index) for index in range(1, BANDS + 1))
    (folder / "scene.vrt").write_text(f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}">{text}</VRTDataset>')
    return folder / path.with_name("scene.vrt").name


def _envi(interleave: str) -> Callable[[Path], Path]:
    extra = (
        "wavelength units = nm\nwavelength = {450, 550, 650, 750, 850}\nfwhm = {9, 9, 9, 9, 9}\nbbl = {1, 1, 0, 1, 1}\n"
        "data ignore value = 7\nreflectance scale factor = 10000\nmap info = {UTM, 1, 1, 5e5, 4e6, 30, 30, 32, North}\n"
    )
    return lambda folder: cube_files.write_envi(folder / "scene.img", CUBE, interleave, extra=extra)


def _mat5(compress: bool) -> Callable[[Path], Path]:
    others: dict[str, NDArray | dict | str] = dict(text="words", cells=np.array([[1], ["a"]], dtype=object))
    others["fields"] = dict(a=1.0, b=np.eye(2))
    return lambda folder: cube_files.write_mat5(folder / "scene.mat", compress, scene=CUBE, **others)


def _hdf5(folder: Path) -> Path:
    with h5py.File(folder / "scene.h5", "w") as file:
        data = file.create_dataset("cube", data=CUBE, chunks=(6, 7, 5), compression="gzip", shuffle=True)
        data.attrs.update({"_FillValue": np.int16(7), "scale_factor": 0.5, "grid_mapping": "crs"})
        for axis, (name, size) in enumerate(zip(("y", "x", "wavelength"), CUBE.shape, strict=True)):
            file[name] = 400.0 + 10 * np.arange(size)
            file[name].make_scale(name)
            data.dims[axis].attach_scale(file[name])
        file["crs"] = 0
        file["crs"].attrs["crs_wkt"] = rasterio.CRS.from_epsg(32633).to_wkt()
    return folder / "scene.h5"


def _zarr(folder: Path) -> Path:
    nm = np.linspace(450, 850, BANDS)
    write_zarr(folder / "scene.zarr", HSICube(CUBE, nm, crs=rasterio.CRS.from_epsg(32633), transform=GRID), chunk=8)
    return folder / "scene.zarr"


def _zarr_shards(folder: Path) -> Path:
    """An array alone, of shards, as others write it."""
    import zarr

    layout = dict(shape=CUBE.shape, chunks=(4, 7, 5), shards=(8, 14, 5), dtype="i2")
    names = ("y", "x", "band")
    zarr.create_array(folder / "a", compressors=zarr.codecs.BloscCodec(), dimension_names=names, **layout)[...] = CUBE
    return folder / "a"


def _npz(folder: Path) -> Path:
    np.savez_compressed(folder / "split.npz", train=np.arange(20), test=np.arange(20, 90))
    return folder / "split.npz"


def _pairs(folder: Path) -> Path:
    places = np.argwhere(LABELS >= 0)
    return cube_files.write_mat5(folder / "pairs.mat", True, train=places[:20], test=places[20:])


def _class_map(folder: Path) -> Path:
    write_class_map(folder / "map.tif", LABELS, class_names=["a", "b", "c"], palette=np.eye(3, dtype=int) * 255)
    return folder / "map.tif"


def _model(folder: Path) -> Path:
    facts = {**META, "window": [3, 3], "wavelengths": [450.0, 550.0, 650.0, 850.0]}
    torch.save(dict(state_dict=dict(weight=torch.eye(3)), meta=dict(dataset_meta=facts)), folder / "model.pth")
    return folder / "model.pth"


_PUBLISHED_META = {**META, "window": [1, 1], "wavelengths": [450.0, 550.0, 650.0, 850.0]}


def _published(folder: Path) -> Path:
    """A model that comes with its config."""
    with DefaultScope.overwrite_default_scope("mmhsi"):
        return save_model(folder / "published.pth", PIXEL_CONV, MODELS.build(PIXEL_CONV), _PUBLISHED_META, 0)


def _classical(folder: Path) -> Path:
    """A classifier of a scene: samples, from which is learnt when it is loaded."""
    model = dict(type="ClassicalClassifier", backbone=dict(type="LDA"), temperature=1.5, num_classes=3)
    model["data_preprocessor"] = dict(type="ScenePreprocessor", **STATISTICS)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        network = MODELS.build(model)
    network.keep(torch.arange(48.0).reshape(12, 4) % 7, torch.arange(12) % 3)
    return save_model(folder / "classical.pth", model, network, _PUBLISHED_META, 0)


def _predict(path: Path) -> object:
    scene = path.with_name("scene.tif")
    if not scene.exists():
        write_cube(scene, HSICube(CUBE[:4, :4]))
    inferencer = SceneInferencer(None, path, "cpu")
    with inferencer.open_scene(scene) as rows:
        return [part.scores.shape for part in inferencer.predict_rows(rows)]


def _tile_list(folder: Path) -> Path:
    (folder / "tiles.csv").write_text("image,mask\n" + "".join(f"image/{n}.tif,mask/{n}.tif\n" for n in range(9)))
    return folder / "tiles.csv"


TARGETS: dict[str, Target] = {
    "raster": Target(
        (_geotiff(), _geotiff(compress="deflate", tiled=True, blockxsize=16, blockysize=16), _vrt), _read_cube
    ),
    "envi": Target(tuple(map(_envi, ("bsq", "bil", "bip"))), _read_cube),
    "mat5": Target((_mat5(True), _mat5(False)), _read_cube),
    "hdf5": Target(
        (_hdf5, lambda folder: cube_files.write_mat73(folder / "scene.mat", scene=CUBE, count=np.ones((1, 1)))),
        _read_cube,
    ),
    "npy": Target((lambda folder: cube_files.write_npy(folder / "scene.npy", CUBE),), _read_cube),
    "npz": Target((_npz,), _read_split),
    "pairs": Target((_pairs,), _read_pairs),
    "tile list": Target((_tile_list,), lambda path: read_tile_list(path, ("image", "mask"))),
    "product": Target(PRODUCTS, _read_product),
    "product zip": Target((enmap_zip,), _read_product),
    "vector": Target(VECTORS, _read_drawn),
    "abundances": Target(ABUNDANCES, _read_abundances),
    "published": Target((_published, _classical), _predict),
    "class map": Target((_class_map,), read_class_map),
    "model": Target((_model,), _read_model),
    "run": Target((lambda folder: written(folder / "epoch_1.pth"),), read_run),
}
if importlib.util.find_spec("zarr") is not None:
    TARGETS["zarr"] = Target((_zarr, _zarr_shards), _read_cube)


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file in one to four places; of an archive, in three of four cases, one member, with sums that are right.

    Args:
        content: Its bytes.
        rng: Decides all.
    """
    if content[:4] != b"PK\3\4" or rng.random() < 0.25:
        return _changed(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    chosen = list(members)[int(rng.integers(len(members)))] if rng.random() < 0.3 else next(iter(members))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info, data in members.items():
            archive.writestr(info, _changed(data, rng) if info is chosen else data)
    return buffer.getvalue()


def _changed(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            return b"\0"
        # Formats keep what matters at the beginning or the end.
        reach = len(data) if rng.random() < 0.4 else min(len(data), 600)
        place = int(rng.integers(reach))
        if rng.random() < 0.2:
            place = len(data) - 1 - place
        kind = int(rng.integers(9))
        if kind <= 1:
            data[place] = int(rng.integers(256))
        elif kind == 2:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 3:
            size = int(rng.choice([1, 2, 4, 8]))
            number = int(rng.choice(_NUMBERS)) % 256**size
            data[place : place + size] = number.to_bytes(size, "little" if rng.random() < 0.7 else "big")
        elif kind == 4:
            del data[place : place + int(rng.integers(1, 40))]
        elif kind == 5:
            data[place:place] = data[place : place + int(rng.integers(1, 40))]
        elif kind == 6:
            del data[place:]
        elif kind == 7:
            words = list(re.finditer(rb"[0-9.]+|[A-Za-z_]{3,}", bytes(data[:4000])))
            if words:
                word = words[int(rng.integers(len(words)))]
                data[word.start() : word.end()] = _WORDS[int(rng.integers(len(_WORDS)))]
        else:
            other = int(rng.integers(len(data)))
            length = int(rng.integers(1, 64))
            data[place : place + length] = data[other : other + length]
    return bytes(data)
