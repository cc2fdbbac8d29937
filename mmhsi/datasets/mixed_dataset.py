"""Scenes and tiles of several sensors as one corpus."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Dataset

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError
from mmhsi.io.wavelengths import check_nanometres
from mmhsi.registry import DATASETS
from mmhsi.spec import InputSpec

from .catalogue import nominal_centres
from .samplers import SeededIndex
from .seeded_dataset import SeededDataset
from .statistics import BandStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence


SETTINGS = {"dataset", "wavelengths", "weight"}
"""What may be said of a sensor."""


@DATASETS.register_module()
class MixedDataset(Dataset):
    """Datasets of several sensors, one behind another; a sample names its sensor and the centres of its bands.

    Batches have to be of one sensor each (:class:`mmhsi.datasets.SensorBatchSampler`). Statistics are those of each
    sensor's own samples.

    Args:
        sensors: By name, each ``dict(dataset=…)``, the config of a :class:`CorpusDataset` or :class:`TileDataset` all
            of whose scenes have the same bands; ``wavelengths`` beside it where the files and the catalogue do not know
            them: the centres in nm, the first and last of bands that are spread evenly, or the name of a scene whose
            nominal ones are known (:func:`mmhsi.datasets.catalogue.nominal_centres`); ``weight``, how often its
            batches come, relative to those of others. Default: by its number of samples.

    Attributes:
        parts: The datasets by sensor.
        ends: Where each one ends in the order of all samples.
        weights: How often each one's batches come, relative to those of others.
        spec: What a model is given: the sensors.

    Raises:
        ConfigError: If a key is unknown, a weight is no positive number, or centres are missing, not in nm, or of
            another number.
    """

    def __init__(self, sensors: Mapping[str, Mapping]) -> None:
        if not isinstance(sensors, Mapping) or not sensors:
            given = f"is a {type(sensors).__name__}" if sensors else "is empty"
            raise ConfigError(f"MixedDataset: sensors {given}, expected dict(name=dict(dataset=…), …)")
        self.parts: dict[str, SeededDataset] = {}
        weights, described = [], []
        for name, settings in sensors.items():
            if not isinstance(name, str) or not isinstance(settings, Mapping):
                raise ConfigError(f"MixedDataset: sensors[{name!r}] is no name=dict(dataset=…)")
            if not {"dataset"} <= set(settings) <= SETTINGS:
                raise ConfigError(
                    f"MixedDataset: sensors[{name!r}] has keys {', '.join(settings)}, expected dataset, "
                    "wavelengths, weight"
                )
            part = DATASETS.build(settings["dataset"])
            if not isinstance(part, SeededDataset):
                raise ConfigError(
                    f"MixedDataset: sensors[{name!r}] is a {type(part).__name__}, expected a CorpusDataset or a "
                    "TileDataset"
                )
            part.full_init()
            weight = check_number(f"MixedDataset: sensors[{name!r}]", "weight", settings.get("weight", len(part)))
            if weight <= 0:
                raise ConfigError(f"MixedDataset: sensors[{name!r}].weight={weight} given, expected more than 0")
            centres = known_centres(name, part.spec, settings.get("wavelengths"))
            described.append(dict(name=name, num_bands=part.spec.num_bands, wavelengths=list(centres)))
            weights.append(float(weight))
            self.parts[name] = part
        self.weights = tuple(weights)
        self.ends = tuple(accumulate(len(part) for part in self.parts.values()))
        self.spec = InputSpec(
            classes=(),
            bands=(),
            file_bands=0,
            num_bands=0,
            scene=", ".join(self.parts),
            protocol="unlabelled scenes of several sensors",
            sensors=tuple(described),
        )

    @property
    def metainfo(self) -> dict:
        """:attr:`spec` as plain data."""
        return self.spec.to_meta()

    def __len__(self) -> int:
        """Samples of all sensors."""
        return self.ends[-1]

    def __getitem__(self, idx: int) -> dict:
        """A sample of its sensor, whose metainfo has ``sensor`` and ``wavelengths`` (nm) beside its own.

        Args:
            idx: From 0, seeded by the sampler or not.
        """
        place = bisect_right(self.ends, int(idx))
        name = list(self.parts)[place]
        start = self.ends[place] - len(self.parts[name])
        sample = self.parts[name][_moved(idx, start)]
        centres = tuple(self.spec.sensors[place]["wavelengths"])
        sample["data_samples"].set_metainfo(dict(sensor=name, wavelengths=centres))
        return sample

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band of every sensor, one sensor behind another."""
        found = [part.band_statistics() for part in self.parts.values()]
        return BandStatistics.side_by_side(found)


def _moved(idx: int, start: int) -> int:
    """The index within a part, with the seed that the sampler gave."""
    return SeededIndex(int(idx) - start, idx.seed) if isinstance(idx, SeededIndex) else int(idx) - start


def known_centres(name: str, spec: InputSpec, stated: Sequence[float] | str | None) -> tuple[float, ...]:
    """Centres of the bands that a model is given of a sensor, in nm.

    Args:
        name: The sensor, for messages.
        spec: Of its data.
        stated: The centres, the first and the last of evenly spread bands, or a name of nominal ones; None to take
            those of files or catalogue.

    Raises:
        ConfigError: If nobody knows them, two do, they are not in nm, or their number is another.
    """
    owner, bands = f"MixedDataset: sensors[{name!r}]", spec.num_bands
    if spec.model_wavelengths is not None:
        if stated is not None:
            raise ConfigError(f"{owner}.wavelengths is given, but its files or the catalogue know them; leave it out")
        return spec.model_wavelengths
    if stated is None:
        raise ConfigError(
            f"{owner}: neither files nor catalogue know the wavelengths of its {bands} bands; give wavelengths=[first, "
            "last] in nm, or all"
        )
    centres = check_nanometres(owner, "wavelengths", nominal_centres(stated) if isinstance(stated, str) else stated)
    if len(centres) == 2 and bands != 2:
        return tuple(float(nm) for nm in np.linspace(*centres, bands))
    if len(centres) != bands:
        raise ConfigError(f"{owner} has {len(centres)} wavelengths for {bands} bands")
    return centres
