"""Preprocessors of corpora of several sensors, each batch of one of them."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor
from .tile_preprocessor import TilePreprocessor
from .view_preprocessor import ViewPreprocessor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


class SensorTable(BandPreprocessor):
    """Base of preprocessors with means and standard deviations of every band of every sensor, one behind another.

    Samples name their sensor and its band centres in their metainfo, as those of :class:`mmhsi.datasets.MixedDataset`
    do; a model is given the centres as ``wavelengths`` of the batch.

    Args:
        sensors: Bands of each sensor by name. Default: those of the training data, where
            :func:`mmhsi.engine.build_runner` builds it; else none, and nothing is prepared.
        mean: Means of all bands of all sensors, in the order of ``sensors``, or None to fit them.
        std: Standard deviations, likewise.
        clip: Normalised values are clipped to ± this. Default None: they are not.
        augments: Configs of batch augmentations.
        non_blocking: Copy to the device without waiting.

    Raises:
        ConfigError: If one of ``mean`` and ``std`` is missing, or their length is not the number of all bands.
    """

    def __init__(
        self,
        sensors: Mapping[str, int] | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        sensors = sensors or {}
        ends = list(accumulate(sensors.values()))
        self.places = {name: slice(end - bands, end) for (name, bands), end in zip(sensors.items(), ends, strict=True)}
        self._sensor = next(iter(sensors), "")
        super().__init__(sum(sensors.values()), mean, std, clip=clip, augments=augments, non_blocking=non_blocking)

    def fit(self, mean: Tensor, std: Tensor) -> None:
        """Set the statistics; arguments as of :class:`BandPreprocessor`'s.

        Args:
            mean: Shape (C,), of all sensors.
            std: Shape (C,).

        Raises:
            ConfigError: If there are no sensors, a shape is not (C,) or a value is not finite.
        """
        self._check_sensors()
        super().fit(mean, std)

    def _check_sensors(self) -> None:
        if not self.places:
            raise ConfigError(
                "data_preprocessor: sensors is missing; give it, or build the runner with "
                "mmhsi.engine.build_runner(cfg), which takes it from a MixedDataset"
            )

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the bands of the batch's sensor, each (C,)."""
        place = self.places[self._sensor]
        return self.mean[place], self.std[place]

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a collated batch of one sensor.

        Args:
            data: As for the preprocessor of one sensor, its samples with ``sensor`` and ``wavelengths`` as metainfo.
            training: Whether to augment.

        Returns:
            As for the preprocessor of one sensor, and ``wavelengths``, the band centres in nm.

        Raises:
            ConfigError: If the samples name no sensor, several, or one that is not known.
        """
        self._check_sensors()
        named = {sample.metainfo.get("sensor") for sample in data.get("data_samples") or [] if sample is not None}
        if len(named) != 1 or not named <= set(self.places):
            raise ConfigError(
                f"{type(self).__name__}: a batch of sensors {', '.join(map(repr, named)) or 'without a name'}, "
                f"expected one of {', '.join(self.places)}; keep MixedDataset and "
                "batch_sampler=dict(type='SensorBatchSampler')"
            )
        self._sensor = named.pop()
        batch = super().forward(data, training)
        batch["wavelengths"] = data["data_samples"][0].metainfo["wavelengths"]
        return batch


@MODELS.register_module()
class SensorTilePreprocessor(SensorTable, TilePreprocessor):
    """Tiles of several sensors in turn; arguments as for :class:`SensorTable`."""


@MODELS.register_module()
class SensorViewPreprocessor(SensorTable, ViewPreprocessor):
    """Views of images of several sensors in turn; arguments as for :class:`SensorTable`."""
