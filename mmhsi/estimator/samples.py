"""Labelled pixels of a scene as candidates take them: normalised channels, or windows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.registry import DefaultScope

from mmhsi.models.preprocessors.band_preprocessor import BandPreprocessor
from mmhsi.registry import MODELS

from .networks import BATCH, WindowTable, network_config, network_scores, train_network

if TYPE_CHECKING:
    from mmengine.config import Config
    from numpy.typing import NDArray
    from torch import nn

    from .candidates import Candidate
    from .comparison import Fit
    from .pace import Pace
    from .source import SceneSource

PREPROCESSOR = dict(type="ScenePreprocessor")

MOST_WINDOWS = 2000
"""Windows that a network learns from; of more, so many are drawn, every class alike."""


class LabelledSamples:
    """Labelled pixels of a scene, normalised as the model will.

    Args:
        source: The scene, its channels fitted.
        pixels: Flat indices of the labelled pixels that are used, (n,).
        seed: Of everything random.

    Attributes:
        preprocessor: Fitted to the scene.
        classes: Class of each pixel, (n,).
        table: Its normalised channels, (n, F).
    """

    def __init__(self, source: SceneSource, pixels: NDArray[np.int64], seed: int) -> None:
        self.source, self.pixels, self.seed = source, pixels, seed
        with DefaultScope.overwrite_default_scope("mmhsi"):
            built = MODELS.build(dict(PREPROCESSOR, num_bands=source.num_channels))
        assert isinstance(built, BandPreprocessor)  # of the config
        self.preprocessor = built
        found = source.statistics()
        built.fit(torch.from_numpy(found.mean).float(), torch.from_numpy(found.std).float())
        self.classes: NDArray[np.int64] = source.labels.ravel()[pixels].astype(np.int64)
        self.table = self.of(pixels)

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.source.kept)

    def of(self, pixels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Normalised channels of any pixels, (n, F).

        Args:
            pixels: Flat indices.
        """
        values, valid = self.source.take(pixels)
        return self.normalised(values[:, 0, 0], valid[:, 0, 0], slice(None))

    def columns(self, candidate: Candidate) -> tuple[int, int | None]:
        """First and last channel that a candidate sees.

        Args:
            candidate: The candidate.
        """
        return candidate.columns(len(self.source.bands), self.source.second is not None)

    def windows(self, candidate: Candidate, pixels: NDArray[np.int64], classes: NDArray[np.int64]) -> WindowTable:
        """Normalised windows as a network sees them.

        Args:
            candidate: A network.
            pixels: Flat indices, (n,).
            classes: Class of each, (n,).
        """
        columns = slice(*self.columns(candidate))
        values, valid = self.source.take(pixels, candidate.window, columns)
        spec = self.source.spec("", candidate.window)
        nm = spec.wavelengths if candidate.sees == "spectra" else None
        spec = replace(spec, num_bands=values.shape[3], model_wavelengths=nm)
        return WindowTable(self.normalised(values, valid, columns), valid, classes, spec)

    def network(self, candidate: Candidate) -> Config:
        """Config of a network for these samples.

        Args:
            candidate: A network.
        """
        return network_config(candidate, self.windows(candidate, self.pixels[:1], self.classes[:1]).spec, self.seed)

    def train(self, candidate: Candidate, chosen: NDArray[np.int64], pace: Pace) -> nn.Module:
        """Train a network.

        Args:
            candidate: The network.
            chosen: Indices of the samples that it learns from, of which some are drawn where they are many.
            pace: Ends it where it would be late.

        Raises:
            OutOfTimeError: If it is ended.
        """
        from .comparison import thin

        kept = thin(chosen, self.classes, self.seed, MOST_WINDOWS)
        table = self.windows(candidate, self.pixels[kept], self.classes[kept])
        return train_network(self.network(candidate), table, candidate.name.replace(" ", "-"), pace)

    def ask(self, network: nn.Module, candidate: Candidate, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Class probabilities of any pixels by a trained network, (n, K).

        Args:
            network: The network.
            candidate: Whose it is.
            pixels: Flat indices.
        """
        step, nothing = 8 * BATCH, np.zeros(len(pixels), dtype=np.int64)
        parts = [
            network_scores(network, self.windows(candidate, pixels[at : at + step], nothing[at : at + step]))
            for at in range(0, len(pixels), step)
        ]
        return np.concatenate(parts)

    def network_fit(self, candidate: Candidate) -> Fit:
        """A network as something to compare.

        Args:
            candidate: The network.
        """

        def fit(train: NDArray[np.int64], held: NDArray[np.int64], pace: Pace) -> NDArray[np.float64]:
            network = self.train(candidate, train, pace)
            return self.ask(network, candidate, self.pixels[held])

        return fit

    def normalised(self, values: NDArray[np.float32], valid: NDArray[np.bool_], columns: slice) -> NDArray[np.float32]:
        """Values (…, C) of zero mean and unit variance over the scene, 0 where there is no data."""
        made = (torch.from_numpy(values) - self.preprocessor.mean[columns]) / self.preprocessor.std[columns]
        made[~torch.from_numpy(valid)] = 0
        normalised: NDArray[np.float32] = made.numpy()
        return normalised
