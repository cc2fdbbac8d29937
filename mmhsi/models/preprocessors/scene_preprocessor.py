"""Preprocessor that gathers the windows around pixels, on the device that holds the scene."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor


def gather_windows(scene: Tensor, tops: Tensor, lefts: Tensor, window: tuple[int, int]) -> Tensor:
    """Cut many windows out of a scene in one indexing operation.

    Args:
        scene: Shape (H, W) or (H, W, C), any dtype.
        tops: First row of each window, shape (B,).
        lefts: First column of each window, shape (B,).
        window: (h, w) in pixels.

    Returns:
        Tensor of shape (B, h, w) or (B, h, w, C), in the dtype of ``scene``.
    """
    # A view of all windows: (H − h + 1, W − w + 1, …, h, w); indexing it copies the chosen ones alone.
    views = scene.unfold(0, window[0], 1).unfold(1, window[1], 1)
    if scene.dim() == 3:
        views = views.permute(0, 1, 3, 4, 2)
    return views[tops, lefts]


@MODELS.register_module()
class ScenePreprocessor(BandPreprocessor):
    """Turn (scene, place) into normalised windows.

    Scenes are copied to the device once and stay there; a batch then costs the transfer of its indices.

    Args:
        num_bands: Bands C.
        mean: C means, or None to fit them.
        std: C standard deviations, or None to fit them.
        clip: Normalised values are clipped to ± this.
        second_bands: Bands C2 of a second source, 0 for none. Its mean and std are always fitted.
        second: ``'concat'``: averaged to the cube's grid and put behind its bands, for models of C + C2 bands;
            ``'separate'``: given as ``second`` at its own resolution, for models that take it. Default ``'concat'``.
        augments: Configs of batch augmentations; those that move pixels need ``second='concat'``.
        non_blocking: Copy to the device without waiting.

    Raises:
        ConfigError: If ``second`` is unknown.
    """

    def __init__(
        self,
        num_bands: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        second_bands: int = 0,
        second: str = "concat",
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(num_bands, mean, std, clip, augments, non_blocking)
        if second not in ("concat", "separate"):
            raise ConfigError(f"data_preprocessor.second={second!r} is unknown, expected 'concat' or 'separate'")
        self.second = second
        self.second_normaliser = BandPreprocessor(second_bands, clip=clip) if second_bands else None
        self._on_device: dict[int, tuple[Tensor, Tensor]] = {}

    def place(self, scene: Tensor) -> Tensor:
        """Give the copy of ``scene`` that lives on this device, made when it is first asked for."""
        if scene.device == self.device:
            return scene
        # The host tensor is kept beside its copy, so that its id cannot be taken over by another.
        if id(scene) not in self._on_device:
            self._on_device[id(scene)] = (scene, scene.to(self.device))
        return self._on_device[id(scene)][1]

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a collated batch of :class:`mmhsi.datasets.SceneDataset`.

        Args:
            data: Lists over the B samples, see ``SceneDataset.__getitem__``; they share scene and window.
            training: Whether to augment.

        Returns:
            ``inputs`` (B, C, h, w) float32 in channels-last memory, ``data_samples``; ``valid`` (B, h, w) for models
            that ask for it; with ``second='separate'`` also ``second`` (B, C2, h · s, w · s).
        """
        window, scale = data["window"][0], data["scale"][0]
        tops, lefts, labels = (
            torch.as_tensor(data[key]).to(self.device, non_blocking=self._non_blocking)
            for key in ("top", "left", "label")
        )

        def cut(padded: Tensor | None, scale: int = 1) -> Tensor | None:
            if padded is None:
                return None
            size = (window[0] * scale, window[1] * scale)
            return gather_windows(self.place(padded), tops * scale, lefts * scale, size)

        raw, valid, raw_second = cut(data["scene"][0]), cut(data["valid"][0]), cut(data["second"][0], scale)
        batch: dict = {"data_samples": [DataSample(gt_label=label) for label in labels[:, None]]}
        x = self.normalise(raw.permute(0, 3, 1, 2), valid)
        if self.second_normaliser is not None:
            if raw_second is None:
                raise ConfigError("data_preprocessor.second_bands needs use_second=True in the dataset")
            fine = valid if valid is None else valid.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
            second = self.second_normaliser.normalise(raw_second.permute(0, 3, 1, 2), fine)
            if self.second == "separate":
                batch["second"] = second
            else:
                x = torch.cat([x, F.avg_pool2d(second, scale)], dim=1)
        batch["inputs"] = self.augment(x) if training else x
        if self.with_valid:
            batch["valid"] = valid
        return batch
