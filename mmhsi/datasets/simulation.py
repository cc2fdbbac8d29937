"""A simulated hyperspectral scene, for trying the tools and for tests where no real scene is at hand.

No sensor saw these data. Spectra are smooth curves with Gaussian features, mixed linearly over a patchy landscape, lit
unevenly, varied from pixel to pixel and disturbed by sensor noise. Results on them say that the software works, never
how well a method does.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from mmhsi.errors import ConfigError
from mmhsi.io.files import replacing
from mmhsi.io.gdal import local_files

from .simulated_spectra import (
    MAX_CLASSES,
    RGB,
    FloatArray,
    modulation,
    simulated_class_names,
    simulated_endmembers,
    simulated_palette,
)

NODATA = 65535
REFLECTANCE_SCALE = 10000
WATER_VAPOUR_NM = ((1350.0, 1450.0), (1820.0, 1950.0))
PATCH = 5.0
"""Standard deviation in pixels of the smoothing that makes patches, at most an eighth of the shorter side."""
SHARPNESS = 5.0
VARIABILITY = 0.12
"""Standard deviation of a pixel's own smooth deviation from its mixture, relative."""
NOISE = 0.004
"""Standard deviation of the sensor's noise at the middle of the range, in reflectance; three times it at both ends."""
PURITY = 0.7
"""Least abundance of the dominant class in a labelled pixel."""
LABELLED = 0.6
"""Part of each class's pure pixels that bear a label."""
DEMO_CLASSES = simulated_class_names(8)
DEMO_PALETTE = simulated_palette(8)


@dataclass(frozen=True, eq=False)
class SimulatedScene:
    """A cube, its sparse labels, and the truth it was made from.

    Attributes:
        cube: Reflectance times 10000, (H, W, C) uint16. No pixel holds ``nodata``.
        labels: Class ids 1..K, 0 where unlabelled, (H, W) uint8.
        wavelengths: Band centres in nm, (C,) float32.
        fwhm: Band widths in nm, (C,) float32.
        good_bands: False where water vapour leaves nothing but noise, (C,) bool.
        abundances: Share of each class in each pixel, (H, W, K) float32, sums to 1 over K.
        endmembers: Pure reflectance of each class before illumination and noise, (K, C) float32.
        class_names: K names, of ids 1..K.
        palette: K RGB colours, of ids 1..K.
        crs: EPSG code.
        transform: ``(a, b, c, d, e, f)`` of x = a·col + b·row + c, y = d·col + e·row + f, in metres.
        nodata: Value that a file declares as no data.
        seed: Seed that made the scene.
    """

    cube: npt.NDArray[np.uint16]
    labels: npt.NDArray[np.uint8]
    wavelengths: FloatArray
    fwhm: FloatArray
    good_bands: npt.NDArray[np.bool_]
    abundances: FloatArray
    endmembers: FloatArray
    class_names: tuple[str, ...]
    palette: tuple[RGB, ...]
    crs: int
    transform: tuple[float, float, float, float, float, float]
    nodata: int
    seed: int


def _smooth_field(rng: np.random.Generator, height: int, width: int, sigma: float) -> FloatArray:
    """White noise under a Gaussian of ``sigma`` pixels (periodic at the edges), zero mean, unit variance: (H, W)."""
    sigma = min(sigma, min(height, width) / 8)  # wider, a small scene would hold a patch or two
    rows = np.fft.fftfreq(height)[:, None]
    cols = np.fft.rfftfreq(width)[None, :]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (rows**2 + cols**2))
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) * transfer, s=(height, width))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def _abundances(rng: np.random.Generator, height: int, width: int, classes: int) -> FloatArray:
    """Softmax of one smooth field a class, biased until each class dominates its planned share: (H, W, K)."""
    fields = np.stack([_smooth_field(rng, height, width, PATCH) for _ in range(classes)], axis=-1)
    planned = np.linspace(1.5, 0.5, classes) / classes  # unequal on purpose, and none is absent
    planned = rng.permutation(planned)
    bias = np.zeros(classes, dtype=np.float32)
    for _ in range(60):
        share = np.bincount((fields + bias).argmax(-1).ravel(), minlength=classes) / (height * width)
        bias += 0.2 * np.log(planned / np.maximum(share, 0.1 * planned)).astype(np.float32)
    logits = SHARPNESS * (fields + bias)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def _sparse_labels(rng: np.random.Generator, abundances: FloatArray) -> npt.NDArray[np.uint8]:
    """Ids 1..K on a part of each class's pure pixels, in clumps: (H, W)."""
    height, width, classes = abundances.shape
    dominant = abundances.argmax(-1)
    pure = abundances.max(-1) >= PURITY
    survey = _smooth_field(rng, height, width, 2.5)
    labels = np.zeros((height, width), dtype=np.uint8)
    for index in range(classes):
        candidates = pure & (dominant == index)
        if not candidates.any():
            raise ConfigError(
                f"simulate_scene: class {index + 1} of {classes} has no pure pixel in {height} x {width} pixels; "
                "take a larger scene or fewer classes"
            )
        labels[candidates & (survey >= np.quantile(survey[candidates], 1 - LABELLED))] = index + 1
    return labels


def _illumination(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Relief shading around 1, and soft-edged shadows down to a half over about a tenth of the scene: (H, W)."""
    shading = 1 + 0.08 * _smooth_field(rng, height, width, 12)
    casters = _smooth_field(rng, height, width, 3)
    shadow = 1 / (1 + np.exp(-8 * (casters - 1.3)))
    return (np.clip(shading, 0.7, 1.3) * (1 - 0.5 * shadow)).astype(np.float32)


def simulate_scene(
    height: int = 96,
    width: int = 96,
    bands: int = 64,
    classes: int = len(DEMO_CLASSES),
    seed: int = 0,
) -> SimulatedScene:
    """Simulate a scene; the same arguments give the same scene.

    Classes come in pairs of close spectra (vegetation A and B, soil A and B, ...). A single pixel's spectrum does not
    tell a pair apart well, its neighbourhood does.

    Args:
        height: Rows.
        width: Columns.
        bands: Bands, equally spaced over 400-2400 nm. Those within water vapour are flagged bad and hold garbage.
        classes: Classes, 2 to 8.
        seed: Seed of everything random.

    Returns:
        The scene, 10 m pixels in EPSG:32633.

    Raises:
        ConfigError: An argument is out of its range, or the scene is too small for its classes.
    """
    for name, value, low in (("height", height, 8), ("width", width, 8), ("bands", bands, 4), ("classes", classes, 2)):
        if value < low:
            raise ConfigError(f"simulate_scene: {name} is {value}, at least {low} is needed")
    if classes > MAX_CLASSES:
        raise ConfigError(f"simulate_scene: classes is {classes}, at most {MAX_CLASSES} can be named")
    if seed < 0:
        raise ConfigError(f"simulate_scene: seed is {seed}, it must not be negative")

    rng = np.random.default_rng(seed)
    wavelengths = np.linspace(400, 2400, bands, dtype=np.float32)
    fwhm = np.full(bands, 2000 / (bands - 1), dtype=np.float32)
    good_bands = ~np.any([(wavelengths >= low) & (wavelengths <= high) for low, high in WATER_VAPOUR_NM], axis=0)

    endmembers = simulated_endmembers(rng, wavelengths, classes)
    abundances = _abundances(rng, height, width, classes)
    labels = _sparse_labels(rng, abundances)

    reflectance = abundances @ endmembers  # (H, W, K) @ (K, C) -> (H, W, C)
    shapes = np.stack([modulation(rng, wavelengths, 1.0) - 1 for _ in range(4)])  # (4, C)
    weights = rng.normal(scale=VARIABILITY, size=(height, width, 4)).astype(np.float32)
    reflectance *= 1 + weights @ shapes
    reflectance *= _illumination(rng, height, width)[..., None]
    sigma = NOISE * (1 + 2 * np.abs(np.linspace(-1, 1, bands)) ** 3)
    reflectance += rng.standard_normal(reflectance.shape, dtype=np.float32) * sigma.astype(np.float32)

    cube = np.clip(np.rint(reflectance * REFLECTANCE_SCALE), 0, NODATA - 1).astype(np.uint16)
    garbage = rng.integers(0, REFLECTANCE_SCALE, size=(height, width, int((~good_bands).sum())), dtype=np.uint16)
    cube[..., ~good_bands] = garbage
    return SimulatedScene(
        cube=cube,
        labels=labels,
        wavelengths=wavelengths,
        fwhm=fwhm,
        good_bands=good_bands,
        abundances=abundances,
        endmembers=endmembers,
        class_names=simulated_class_names(classes),
        palette=simulated_palette(classes),
        crs=32633,
        transform=(10.0, 0.0, 500000.0, 0.0, -10.0, 5400000.0),
        nodata=NODATA,
        seed=seed,
    )


def write_scene(scene: SimulatedScene, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write ``demo_cube.tif``, ``demo_labels.tif`` and ``demo_abundances.tif``; each appears complete or not at all.

    The cube is a tiled GeoTIFF with the tags ``wavelength``, ``fwhm``, ``wavelength_units`` and ``bbl`` ('1' good,
    '0' bad) on each band. The labels bear a colour table and the tag ``class_names``: a JSON list, of ids 1..K. The
    abundances are a float32 band a class, in the same order. All say in their tags that they are simulated.

    Args:
        scene: What to write.
        folder: Made if missing.

    Returns:
        Paths of the cube and of the labels.

    Raises:
        DataError: A file cannot be written.
    """
    folder = Path(folder)
    cube_path, labels_path = folder / "demo_cube.tif", folder / "demo_labels.tif"
    height, width, bands = scene.cube.shape
    common = {"driver": "GTiff", "height": height, "width": width, "compress": "deflate", "predictor": 2}
    common |= {"tiled": True, "blockxsize": 64, "blockysize": 64}
    common |= {"crs": CRS.from_epsg(scene.crs), "transform": Affine(*scene.transform)}
    about = {"simulated": "YES", "description": f"SIMULATED by mmhsi (seed {scene.seed}): no sensor saw this scene"}

    # Pixel-interleaved, because windows are read with all their bands.
    profile = common | {"count": bands, "dtype": "uint16", "nodata": scene.nodata, "interleave": "pixel"}
    with local_files(), replacing(cube_path) as temporary, rasterio.open(temporary, "w", **profile) as file:
        file.write(scene.cube.transpose(2, 0, 1))  # (H, W, C) -> (C, H, W)
        file.update_tags(**about, reflectance_scale_factor=str(REFLECTANCE_SCALE))
        for index in range(bands):
            centre = f"{scene.wavelengths[index]:.3f}"
            file.set_band_description(index + 1, f"{centre} nm")
            file.update_tags(
                index + 1,
                wavelength=centre,
                wavelength_units="Nanometers",
                fwhm=f"{scene.fwhm[index]:.3f}",
                bbl=str(int(scene.good_bands[index])),
            )

    profile = common | {"count": 1, "dtype": "uint8", "nodata": 0}
    with local_files(), replacing(labels_path) as temporary, rasterio.open(temporary, "w", **profile) as file:
        file.write(scene.labels, 1)
        file.update_tags(**about, class_names=json.dumps(scene.class_names))
        file.write_colormap(1, {0: (0, 0, 0, 0)} | {i: (*rgb, 255) for i, rgb in enumerate(scene.palette, start=1)})

    profile = common | {"count": len(scene.class_names), "dtype": "float32", "predictor": 3, "nodata": float("nan")}
    path = folder / "demo_abundances.tif"
    with local_files(), replacing(path) as temporary, rasterio.open(temporary, "w", **profile) as file:
        file.write(scene.abundances.transpose(2, 0, 1))  # (H, W, K) -> (K, H, W)
        file.update_tags(**about)
        for index, name in enumerate(scene.class_names, start=1):
            file.set_band_description(index, name)
    return cube_path, labels_path
