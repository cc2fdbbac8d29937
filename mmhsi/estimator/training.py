"""From a scene's pixels to a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.registry import DefaultScope

from mmhsi.models.preprocessors.band_preprocessor import BandPreprocessor, fit_preprocessor
from mmhsi.registry import MODELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.datasets import SceneDataset
    from mmhsi.models.classical import ClassicalClassifier

MAPPED_PIXELS = 5000
"""Pixels of the scene that are classified to know how common each class is."""


def build_network(model: dict[str, Any], dataset: SceneDataset) -> ClassicalClassifier:
    """A model without samples, its preprocessor fitted to the scene.

    Args:
        model: Of :func:`mmhsi.estimator.keeping.model_config`.
        dataset: The scene.
    """
    bands, classes = dataset.spec.num_bands, dataset.spec.num_classes
    preprocessor = dict(model["data_preprocessor"], num_bands=bands)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        network: ClassicalClassifier = MODELS.build(dict(model, num_classes=classes, data_preprocessor=preprocessor))
    fit_preprocessor(_preprocessor(network), dataset)
    return network


def _preprocessor(network: ClassicalClassifier) -> BandPreprocessor:
    assert isinstance(network.data_preprocessor, BandPreprocessor)  # of the config
    return network.data_preprocessor


def mapped_shares(network: ClassicalClassifier, dataset: SceneDataset, seed: int) -> NDArray[np.float64]:
    """Share of the map that each class will have, (K,), from some of the scene's pixels.

    Args:
        network: With samples to learn from.
        dataset: The scene.
        seed: Of the choice of pixels.
    """
    pixels = np.flatnonzero(dataset.valid_pixels)
    if len(pixels) > MAPPED_PIXELS:
        pixels = np.sort(np.random.default_rng(seed).choice(pixels, MAPPED_PIXELS, replace=False))
    samples = torch.from_numpy(pixel_samples(network, dataset, pixels))
    chosen = network.predict_scores(samples[:, :, None, None]).argmax(dim=1).numpy()
    return np.bincount(chosen, minlength=network.num_classes) / len(pixels)


def pixel_samples(
    network: ClassicalClassifier, dataset: SceneDataset, pixels: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Channels of pixels as the preprocessor normalises them, (n, F).

    Args:
        network: With a fitted preprocessor.
        dataset: The scene.
        pixels: Flat indices, (n,).
    """
    cube = dataset.cube.data
    values = torch.from_numpy(np.ascontiguousarray(cube.reshape(-1, cube.shape[2])[pixels])).float()
    preprocessor = _preprocessor(network)
    made = (values - preprocessor.mean) / preprocessor.std
    made[~torch.from_numpy(dataset.valid_pixels.ravel()[pixels])] = 0
    samples: NDArray[np.float32] = made.numpy()
    return samples
