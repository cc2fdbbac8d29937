"""Simulated reflectance spectra: smooth baselines with Gaussian features, in pairs that are hard to tell apart."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Family:
    """A kind of surface: its baseline and the Gaussian features on it.

    Attributes:
        name: What the class names start with.
        colour: RGB of its first class, 0-255.
        baseline: Reflectance at 400 nm and at 2400 nm; straight between them.
        features: Centre (nm), standard deviation (nm) and height (reflectance, negative for absorption) of each.
    """

    name: str
    colour: RGB
    baseline: tuple[float, float]
    features: tuple[tuple[float, float, float], ...]


FAMILIES = (
    Family(
        "vegetation",
        (34, 139, 34),
        (0.04, 0.06),
        ((555, 35, 0.05), (980, 190, 0.38), (1190, 40, -0.05), (1660, 110, 0.18), (2210, 110, 0.08)),
    ),
    Family(
        "soil",
        (150, 90, 30),
        (0.08, 0.26),
        ((900, 90, -0.03), (1650, 350, 0.12), (2205, 35, -0.05)),
    ),
    Family("water", (20, 80, 190), (0.02, 0.012), ((540, 90, 0.06), (700, 60, 0.015))),
    Family(
        "roof",
        (190, 40, 60),
        (0.14, 0.30),
        ((620, 110, 0.07), (870, 60, -0.04), (1750, 60, -0.03), (2320, 50, -0.06)),
    ),
)
MAX_CLASSES = 2 * len(FAMILIES)
PAIR_CONTRAST = 0.15
"""Relative height of the spectral features that tell a pair's classes apart."""


def modulation(rng: np.random.Generator, wavelengths: FloatArray, contrast: float) -> FloatArray:
    """A factor per band around 1: three broad Gaussian features of height ``contrast``, either sign, (C,).

    Args:
        rng: Source of randomness.
        wavelengths: (C,) nm.
        contrast: Largest height of a feature, relative.
    """
    # One feature in each third of the range, so that no draw leaves two classes alike over most of it.
    centres = rng.uniform([450, 950, 1550], [950, 1550, 2300])
    widths = rng.uniform(60, 160, size=3)
    signs = rng.choice([-1.0, 1.0], size=3)
    shapes = np.exp(-0.5 * ((wavelengths[:, None] - centres) / widths) ** 2)  # (C, 3)
    return (1 + contrast * shapes @ signs).astype(np.float32)


def simulated_class_names(classes: int) -> tuple[str, ...]:
    """Names of the first K classes: "simulated vegetation A", "simulated vegetation B", "simulated soil A", ..."""
    return tuple(f"simulated {FAMILIES[index // 2].name} {'AB'[index % 2]}" for index in range(classes))


def simulated_palette(classes: int) -> tuple[RGB, ...]:
    """Colours of the first K classes, RGB 0-255: the family's, paler for a pair's second."""
    palette: list[RGB] = []
    for index in range(classes):
        colour = np.array(FAMILIES[index // 2].colour)
        red, green, blue = (colour + index % 2 * 0.5 * (255 - colour)).round().astype(int).tolist()
        palette.append((red, green, blue))
    return tuple(palette)


def simulated_endmembers(rng: np.random.Generator, wavelengths: FloatArray, classes: int) -> FloatArray:
    """Spectra of classes that come in pairs: both of one family, apart by a weak :func:`modulation` only.

    Args:
        rng: Draws the modulations.
        wavelengths: Band centres in nm, (C,).
        classes: K, at most ``MAX_CLASSES``.

    Returns:
        Reflectance, (K, C).
    """
    spectra: list[FloatArray] = []
    for index in range(classes):
        family = FAMILIES[index // 2]
        if index % 2:
            spectra.append(spectra[-1] * modulation(rng, wavelengths, PAIR_CONTRAST))
            continue
        spectrum = np.interp(wavelengths, (400, 2400), family.baseline)
        for centre, width, height in family.features:
            spectrum = spectrum + height * np.exp(-0.5 * ((wavelengths - centre) / width) ** 2)
        spectra.append(spectrum.astype(np.float32) * modulation(rng, wavelengths, 0.2))
    return np.clip(np.stack(spectra), 0.002, 1).astype(np.float32)
