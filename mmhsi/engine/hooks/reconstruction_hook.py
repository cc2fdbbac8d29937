"""Pictures of what masked pretraining reconstructs, while it trains."""

from __future__ import annotations

import random
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn

from mmhsi.datasets import SeededIndex
from mmhsi.datasets.samplers import sample_seed
from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors import BandPreprocessor
from mmhsi.models.selfsup.masked_pretraining import MaskedPretraining, Reconstruction
from mmhsi.registry import HOOKS
from mmhsi.spec import InputSpec
from mmhsi.visualization.png import save_png
from mmhsi.visualization.reconstruction import draw_reconstruction
from mmhsi.visualization.selection import evenly_spread

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation, and afterwards give every module its mode and every generator its state back."""
    modes = [(module, module.training) for module in model.modules()]
    numbers, python = np.random.get_state(), random.getstate()  # noqa: NPY002
    # Of the devices the current one alone: asking the others would open a context on each.
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        try:
            model.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            np.random.set_state(numbers)  # noqa: NPY002
            random.setstate(python)


@HOOKS.register_module()
class ReconstructionHook(Hook):
    """Every ``interval`` epochs and at the end, draws what the model reconstructs of the same few training samples.

    A picture shows original, masked input and reconstruction in false colour, and the spectra of some pixels, in the
    data's unit (:func:`mmhsi.visualization.reconstruction.draw_reconstruction`). There is one for every sample and for
    every kind of reconstruction the algorithm has. It goes to ``reconstructions/KIND_SAMPLE_epoch_N.png`` in the work
    dir and to the backends of mmengine's visualizer, such as TensorBoard.

    Samples are spread evenly over the training set. They pass its pipeline with a fixed seed and the preprocessor as
    in validation; masks are the model's own for validation. The hook leaves training as it is: weights, modules'
    modes and the state of all generators.

    With several processes all of them run the model, since sharded weights need that, and the main one draws.

    Args:
        interval: Epochs between two pictures, or iterations where ``train_cfg`` counts these. Default 10.
        num_samples: Samples. Default 4, or all of a smaller training set.
        num_pixels: Spectra a picture, 1 to 7. Default 3.

    Raises:
        ConfigError: If an argument is out of range.
    """

    priority = "LOW"

    def __init__(self, interval: int = 10, num_samples: int = 4, num_pixels: int = 3) -> None:
        if interval < 1 or num_samples < 1 or not 1 <= num_pixels <= 7:
            raise ConfigError(
                f"ReconstructionHook: interval={interval}, num_samples={num_samples}, num_pixels={num_pixels} given, "
                "expected at least 1, at least 1 and 1 to 7"
            )
        self.interval = interval
        self.num_samples = num_samples
        self.num_pixels = num_pixels

    def before_train(self, runner: Runner) -> None:
        """Check the model.

        Raises:
            ConfigError: If it reconstructs nothing, or its normalisation cannot be undone.
        """
        model = unwrap_model(runner)
        if not isinstance(model, MaskedPretraining):
            raise ConfigError(f"ReconstructionHook: {type(model).__name__} reconstructs nothing; use it in pretraining")
        if not isinstance(model.data_preprocessor, BandPreprocessor):
            raise ConfigError(
                f"ReconstructionHook: {type(model.data_preprocessor).__name__} keeps no mean and std of the bands; use "
                "ScenePreprocessor or TilePreprocessor"
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Draw after every ``interval``-th epoch and the last."""
        done = runner.epoch + 1
        if not isinstance(runner.train_loop, IterBasedTrainLoop) and self._is_due(done, runner.max_epochs):
            self.draw(runner, f"epoch_{done}", done)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Draw after every ``interval``-th iteration and the last, where the loop counts these."""
        done = runner.iter + 1
        if isinstance(runner.train_loop, IterBasedTrainLoop) and self._is_due(done, runner.max_iters):
            self.draw(runner, f"iter_{done}", done)

    def _is_due(self, done: int, last: int) -> bool:
        return done % self.interval == 0 or done == last

    def draw(self, runner: Runner, moment: str, step: int) -> None:
        """Run the model on the samples and save the pictures.

        Args:
            runner: The run.
            moment: What the files' names end in.
            step: Number for the visualizer's backends.
        """
        loader = runner.train_dataloader
        dataset = loader.dataset
        indices = evenly_spread(len(dataset), self.num_samples)
        with undisturbed(runner.model), torch.no_grad():
            samples = [dataset[SeededIndex(index, sample_seed(0, 0, index))] for index in indices]
            results = runner.model.val_step(loader.collate_fn(samples))
        if not is_main_process():
            return
        spec = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
        for index, result in zip(indices, results, strict=True):
            for kind, made in result.items():
                title = f"{kind}, sample {index}, {moment.replace('_', ' ')}"
                picture = self._picture(unwrap_model(runner).data_preprocessor, made, spec, title)
                save_png(Path(runner.work_dir) / "reconstructions" / f"{kind}_{index}_{moment}.png", picture)
                runner.visualizer.add_image(f"reconstruction_{kind}_{index}", picture, step)

    def _picture(
        self, preprocessor: BandPreprocessor, made: Reconstruction, spec: InputSpec | None, title: str
    ) -> np.ndarray:
        """Draw one reconstruction in the data's unit."""
        mean, std = band_scale(preprocessor, len(made.target))
        original, prediction = ((part * std + mean).permute(1, 2, 0).cpu().numpy() for part in made[:2])
        bands = original.shape[2]
        known, shown = (None, None) if spec is None else (spec.model_wavelengths, spec.picture_bands)
        # Bands of a second source, behind the cube's, have none.
        wavelengths = None if known is None else [*known, *[np.nan] * (bands - len(known))]
        return draw_reconstruction(
            original,
            prediction,
            made.hidden.permute(1, 2, 0).cpu().numpy(),
            None if made.valid is None else made.valid.cpu().numpy(),
            wavelengths,
            shown,
            self.num_pixels,
            title,
        )


def band_scale(preprocessor: BandPreprocessor, bands: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the bands of an image, (C, 1, 1), a second source's behind the cube's.

    Args:
        preprocessor: The model's, fitted.
        bands: Bands C of the image.

    Raises:
        ConfigError: If the preprocessor has not that many.
    """
    parts = [preprocessor]
    second = getattr(preprocessor, "second_normaliser", None)
    if second is not None and bands > preprocessor.num_bands:
        parts.append(second)
    mean, std = (torch.cat([getattr(part, name) for part in parts])[:, None, None] for name in ("mean", "std"))
    if len(mean) != bands:
        raise ConfigError(
            f"ReconstructionHook: the model reconstructs {bands} bands, its preprocessor knows the scale of {len(mean)}"
        )
    return mean, std
