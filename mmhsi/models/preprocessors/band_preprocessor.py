"""Per-band normalisation on the device, for any number of bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..rng import BatchRNG
from .batch_augments import BatchDihedral

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.utils.data import Dataset

    from mmhsi.datasets.statistics import BandStatistics


@runtime_checkable
class HasBandStatistics(Protocol):
    """A dataset that knows the mean and deviation of its bands."""

    def band_statistics(self) -> BandStatistics:
        """Of the training pixels."""


@runtime_checkable
class HasSecondStatistics(Protocol):
    """A dataset that knows those of its second source too."""

    def second_statistics(self) -> BandStatistics:
        """Of the training pixels."""


class BandPreprocessor(BaseDataPreprocessor):
    """Base of the preprocessors: holds mean and standard deviation of every band.

    They come from the config, from the training data (:class:`mmhsi.engine.FitPreprocessorHook` calls :meth:`fit`
    before the first step) or from a checkpoint: unlike mmengine's, the buffers are saved with the weights, so that a
    trained model carries its normalisation along.

    In training it makes what the step draws from, a :class:`mmhsi.models.BatchRNG`: augmentations begin, and a model
    that sets ``with_rng`` is given it as ``rng`` of the batch to go on with. :class:`mmhsi.engine.SeedIterationHook`
    sets ``step_seed`` for every step.

    Attributes:
        finer: (C2, s) where the last channels of its images are the pixels of a finer source, see :func:`dihedral`.

    Args:
        num_bands: Bands C. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        mean: C means in the data's units, or None to fit them.
        std: C standard deviations, or None to fit them.
        clip: Normalised values are clipped to ± this. Default None: they are not.
        augments: Configs of batch augmentations, run on the device on normalised training batches.
        non_blocking: Copy to the device without waiting.

    Raises:
        ConfigError: If ``num_bands`` or one of ``mean`` and ``std`` is missing, or their length is not ``num_bands``.
    """

    def __init__(
        self,
        num_bands: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        if num_bands is None:
            raise ConfigError(
                "data_preprocessor: num_bands is missing; give it, or build the runner with "
                "mmhsi.engine.build_runner(cfg), which takes it from the training data"
            )
        if (mean is None) != (std is None):
            raise ConfigError("data_preprocessor: give both mean and std, or neither to fit them to the training data")
        self.num_bands = num_bands
        self.clip = clip
        self.with_valid = False
        self.with_rng = False
        self.step_seed: int | None = None
        self.finer: tuple[int, int] | None = None
        self.augments = torch.nn.ModuleList(MODELS.build(augment) for augment in augments)
        self.register_buffer("mean", torch.zeros(num_bands))
        self.register_buffer("std", torch.ones(num_bands))
        self.register_buffer("fitted", torch.tensor(False))
        self._ready = False
        self._revision = 0
        if mean is not None and std is not None:
            self.fit(torch.as_tensor(mean), torch.as_tensor(std))

    def fit(self, mean: Tensor, std: Tensor) -> None:
        """Set the statistics.

        Args:
            mean: Shape (C,).
            std: Shape (C,); a band without any spread is left at its scale.

        Raises:
            ConfigError: If a shape is not (C,) or a value is not finite.
        """
        for name, values in (("mean", mean), ("std", std)):
            if values.shape != (self.num_bands,):
                raise ConfigError(
                    f"data_preprocessor.{name}: {values.numel()} values given, expected num_bands={self.num_bands}"
                )
            if not values.isfinite().all():
                band = int((~values.isfinite()).nonzero()[0])
                raise ConfigError(f"data_preprocessor.{name}: value of band {band} is not finite")
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))
        self.fitted.fill_(True)
        self.statistics_changed()

    def restore(self, inputs: Tensor) -> Tensor:
        """Undo the normalisation; what was clipped stays so, pixels without data have their bands' means.

        Args:
            inputs: Normalised, shape (B, C, H, W).

        Returns:
            Values in the data's units, float32, same shape.
        """
        mean, std = self.statistics()
        return inputs.float() * std[:, None, None] + mean[:, None, None]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the bands of the batch, each (C,)."""
        return self.mean, self.std

    def statistics_changed(self) -> None:
        """Note that what was normalised earlier is out of date; :meth:`fit` and loading weights do so."""
        self._revision += 1

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self.statistics_changed()

    def _apply(self, *args: Any, **kwargs: Any) -> BandPreprocessor:
        self.statistics_changed()  # they move to another device
        return super()._apply(*args, **kwargs)

    def prepare(self, image: Tensor, valid: Tensor | None = None, second: Tensor | None = None) -> Tensor:
        """Normalise images with their bands last, as files and scenes have them.

        Args:
            image: Raw, shape (B, H, W, C).
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            second: Raw second source, shape (B, H · s, W · s, C2); there is none here.

        Returns:
            float32 tensor of the same shape and layout in memory; pixels without data are 0.

        Raises:
            ConfigError: If C is not ``num_bands``, the statistics were never set, or there is a second source.
        """
        if second is not None:
            raise ConfigError(f"{type(self).__name__} takes no second source; use ScenePreprocessor")
        return self.normalise(image.permute(0, 3, 1, 2), valid).permute(0, 2, 3, 1)

    def normalise(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Bring every band to zero mean and unit variance; pixels without data become 0, the mean.

        Args:
            x: Raw images, any dtype, shape (B, C, H, W).
            valid: Pixels that hold data, bool (B, H, W); None if all do.

        Returns:
            float32 tensor of the same shape and memory format.

        Raises:
            ConfigError: If C is not ``num_bands`` or the statistics were never set.
        """
        mean, std = self.statistics()
        if x.shape[1] != len(mean):
            raise ConfigError(
                f"data_preprocessor: input has {x.shape[1]} bands, the model expects num_bands={len(mean)}"
            )
        if not self._ready:  # read the flag once: asking the device every step would synchronise it
            self._ready = bool(self.fitted)
            if not self._ready:
                raise ConfigError(
                    "data_preprocessor: mean and std are not set; give them in the config, load a checkpoint, or keep "
                    "FitPreprocessorHook in custom_hooks"
                )
        x = x.to(torch.float32, copy=True).sub_(mean[:, None, None]).div_(std[:, None, None])
        if valid is not None:
            x.masked_fill_(~valid[:, None], 0.0)
        return x if self.clip is None else x.clamp_(-self.clip, self.clip)

    def step_rng(self, samples: int, device: torch.device) -> BatchRNG:
        """What the step draws from; torch's own generators where nobody has told of a step.

        Args:
            samples: Samples B of the batch.
            device: Where numbers are drawn.
        """
        if self.step_seed is None:
            return BatchRNG(samples, device)
        return BatchRNG.of_step(samples, device, self.step_seed)

    def augment(self, x: Tensor, rng: BatchRNG, valid: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Run the batch augmentations on normalised training images.

        Args:
            x: Shape (B, C, H, W).
            rng: What to draw from, for B samples.
            valid: Shape (B, H, W), bool; moved along by augmentations that move pixels. None: all pixels hold data.

        Returns:
            Both, augmented.
        """
        for augment in self.augments:
            if not isinstance(augment, BatchDihedral):
                x = augment(x, rng)
            elif valid is None:
                x = augment(x, rng, self.finer)
            else:
                both = augment(torch.cat([valid[:, None].to(x.dtype), x], dim=1), rng, self.finer)
                x, valid = both[:, 1:], both[:, 0] > 0
        return x, valid


def fit_preprocessor(preprocessor: BandPreprocessor, dataset: Dataset) -> list[tuple[int, int]]:
    """Fit mean and standard deviation of every source to a dataset, unless they are set.

    Args:
        preprocessor: With ``second_normaliser``, a preprocessor of its own, where there is a second source.
        dataset: Its ``band_statistics`` (and ``second_statistics``) are asked for what is not set.

    Returns:
        (bands, pixels) of each source that was fitted.

    Raises:
        ConfigError: If the numbers of bands differ, or the dataset cannot give what is needed.
    """

    def fit(source: BandPreprocessor, statistics: BandStatistics) -> None:
        if len(statistics.mean) != source.num_bands:
            raise ConfigError(
                f"train_dataloader.dataset gives {len(statistics.mean)} bands, the model expects "
                f"model.data_preprocessor.num_bands={source.num_bands}"
            )
        source.fit(torch.from_numpy(statistics.mean).float(), torch.from_numpy(statistics.std).float())
        fitted.append((source.num_bands, statistics.count))

    fitted: list[tuple[int, int]] = []
    lacks, remedy = f"{type(dataset).__name__} has no", "give mean and std in model.data_preprocessor"
    if not bool(preprocessor.fitted):
        if not isinstance(dataset, HasBandStatistics):
            raise ConfigError(f"{lacks} band_statistics; {remedy}")
        fit(preprocessor, dataset.band_statistics())
    second = getattr(preprocessor, "second_normaliser", None)
    if second is not None and not bool(second.fitted):
        if not isinstance(dataset, HasSecondStatistics):
            raise ConfigError(f"{lacks} second_statistics; {remedy}")
        fit(second, dataset.second_statistics())
    return fitted
