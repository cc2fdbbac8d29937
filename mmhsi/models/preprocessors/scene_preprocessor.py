"""Preprocessor that gathers the windows around pixels, on the device that holds the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from mmpretrain.structures import DataSample
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor


def gather_windows(scene: Tensor, tops: Tensor, lefts: Tensor, window: tuple[int, int]) -> Tensor:
    """Cut many windows out of a scene in one indexing operation.

    Args:
        scene: Shape (H, W) or (H, W, C), any dtype, contiguous.
        tops: First row of each window, shape (B,).
        lefts: First column of each window, shape (B,).
        window: (h, w) in pixels.

    Returns:
        Tensor of shape (B, h, w) or (B, h, w, C), in the dtype of ``scene``.
    """
    (height, width), (h, w) = scene.shape[:2], window
    bands = scene.shape[2] if scene.dim() == 3 else 1
    # Every run of w pixels as a row of an overlapping view: a window is h of these rows, each one block of memory.
    runs = scene.as_strided((height * width - w + 1, w * bands), (bands, 1))
    first = tops * width + lefts
    rows = first[:, None] + width * torch.arange(h, device=scene.device)  # (B, h)
    return runs.index_select(0, rows.flatten()).view(len(tops), h, w, *scene.shape[2:])


def normalise_scene(preprocessor: BandPreprocessor, scene: Tensor, valid: Tensor | None) -> Tensor:
    """Normalise a whole scene (H, W, C), of which pixels without data become 0; float32, same layout in memory.

    Args:
        preprocessor: Fitted.
        scene: Shape (H, W, C).
        valid: Shape (H, W), bool; None if all pixels hold data.
    """
    mask = None if valid is None else valid[None]
    return preprocessor.normalise(scene.permute(2, 0, 1)[None], mask)[0].permute(1, 2, 0)


def pool_scene(scene: Tensor, scale: int, with_std: bool = False) -> Tensor:
    """Average a scene over squares of pixels.

    Args:
        scene: Shape (H · s, W · s, C), float.
        scale: s.
        with_std: Whether the standard deviations within the squares are put behind the means. Default False.

    Returns:
        Tensor of shape (H, W, C) or (H, W, 2 · C).
    """
    height, width, bands = scene.shape
    squares = scene.view(height // scale, scale, width // scale, scale, bands)
    mean = squares.mean(dim=(1, 3))
    return torch.cat([mean, squares.std(dim=(1, 3), correction=0)], dim=2) if with_std else mean


@MODELS.register_module()
class ScenePreprocessor(BandPreprocessor):
    """Turn (scene, place) into normalised windows.

    A scene is copied to the device and normalised there once; a batch then costs the transfer of its indices and one
    gathering.

    Args:
        num_bands: Bands C. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        mean: C means, or None to fit them.
        std: C standard deviations, or None to fit them.
        clip: Normalised values are clipped to ± this.
        second_bands: Bands C2 of a second source, 0 for none. Its mean and std are always fitted.
        second: ``'concat'``: averaged to the cube's grid and put behind its bands, for models of C + C2 bands;
            ``'texture'``: likewise, followed by its standard deviations within the cube's pixels, C + 2 · C2 bands;
            ``'separate'``: given as ``second`` at its own resolution, for models that take it. Default ``'concat'``.
        augments: Configs of batch augmentations; those that move pixels do not fit ``second='separate'``.
        non_blocking: Copy to the device without waiting.

    Raises:
        ConfigError: If ``second`` is unknown.
    """

    def __init__(
        self,
        num_bands: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        second_bands: int = 0,
        second: str = "concat",
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(num_bands, mean, std, clip, augments, non_blocking)
        if second not in ("concat", "texture", "separate"):
            raise ConfigError(
                f"data_preprocessor.second={second!r} is unknown, expected 'concat', 'texture' or 'separate'"
            )
        self.second = second
        self.second_normaliser = BandPreprocessor(second_bands, clip=clip) if second_bands else None
        self._placed: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

    def place(self, scene: Tensor, make: Callable[[Tensor], Tensor]) -> Tensor:
        """Give what ``make`` makes of ``scene`` on this device, made once for every state of the statistics.

        Args:
            scene: Shape (H, W, C), or (H, W), on any device.
            make: What is made of it.
        """
        key = (id(scene), *(buffer._version for buffer in self.buffers()))
        if key not in self._placed:
            # The host tensor is kept beside what was made of it, so that its id cannot be taken over by another.
            self._placed[key] = (scene, make(scene.to(self.device)).contiguous())
        return self._placed[key][1]

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a collated batch of :class:`mmhsi.datasets.SceneDataset`.

        Args:
            data: A list under each key of ``SceneDataset.__getitems__``, with one entry for the whole batch, or
                several that share scene and window.
            training: Whether to augment.

        Returns:
            ``inputs`` (B, C, h, w) float32 in channels-last memory; ``data_samples``, None without labels; with
            ``second='separate'`` also ``second`` (B, C2, h · s, w · s); for models that ask for them ``valid`` (B, h,
            w) and, in training, ``rng`` for B samples.
        """
        window, scale = (data["height"][0], data["width"][0]), data["scale"][0]
        tops, lefts, labels = (
            torch.from_numpy(np.concatenate(data[key])).to(self.device, non_blocking=self._non_blocking)
            for key in ("top", "left", "label")
        )

        scene, valid = data["scene"][0], data["valid"][0]
        valid = None if valid is None else self.place(valid, lambda mask: mask)
        placed = self.place(scene, lambda raw: normalise_scene(self, raw, valid))
        x = gather_windows(placed, tops, lefts, window).permute(0, 3, 1, 2)
        batch: dict = {"data_samples": None}
        if data["label"][0][0] >= 0:
            batch["data_samples"] = [DataSample(gt_label=label) for label in labels[:, None]]
        if self.second_normaliser is not None:
            second = self._cut_second(data["second"][0], valid, scale, tops, lefts, window)
            if self.second == "separate":
                batch["second"] = second
            else:
                x = torch.cat([x, second], dim=1)
        mask = gather_windows(valid, tops, lefts, window) if self.with_valid and valid is not None else None
        rng = self.step_rng(len(x), x.device) if training else None
        batch["inputs"], mask = (x, mask) if rng is None else self.augment(x, rng, mask)
        if self.with_valid:
            batch["valid"] = mask
        if self.with_rng and rng is not None:
            batch["rng"] = rng
        return batch

    def _cut_second(
        self,
        second: Tensor | None,
        valid: Tensor | None,
        scale: int,
        tops: Tensor,
        lefts: Tensor,
        window: tuple[int, int],
    ) -> Tensor:
        """Windows of the second source: (B, C2, h · s, w · s), or on the cube's grid (B, C2 or 2 · C2, h, w)."""
        normaliser = self.second_normaliser
        if second is None or normaliser is None:
            raise ConfigError("data_preprocessor.second_bands needs use_second=True in the dataset")
        fine = valid if valid is None else valid.repeat_interleave(scale, 0).repeat_interleave(scale, 1)

        def prepare(raw: Tensor) -> Tensor:
            x = normalise_scene(normaliser, raw, fine)
            return x if self.second == "separate" else pool_scene(x, scale, with_std=self.second == "texture")

        placed = self.place(second, prepare)
        if self.second == "separate":
            tops, lefts, window = tops * scale, lefts * scale, (window[0] * scale, window[1] * scale)
        return gather_windows(placed, tops, lefts, window).permute(0, 3, 1, 2)
