"""Preprocessor that gathers the windows around pixels, on the device that holds the scene."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmpretrain.structures import DataSample
from torch import Tensor

from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor


def gather_windows(padded: Tensor, rows: Tensor, columns: Tensor, window: tuple[int, int]) -> Tensor:
    """Cut the windows around many pixels out of a padded scene in one indexing operation.

    Args:
        padded: Scene with h // 2 rows and w // 2 columns added before it and enough after it, (H', W') or (H', W', C).
        rows: Row of each pixel in the unpadded scene, shape (B,).
        columns: Column of each pixel, shape (B,).
        window: (h, w) in pixels.

    Returns:
        Tensor of shape (B, h, w) or (B, h, w, C), in the dtype of ``padded``.
    """
    # A view of all windows: (H, W, …, h, w); indexing it copies the chosen ones alone.
    views = padded.unfold(0, window[0], 1).unfold(1, window[1], 1)
    if padded.dim() == 3:
        views = views.permute(0, 1, 3, 4, 2)
    return views[rows, columns]


@MODELS.register_module()
class ScenePreprocessor(BandPreprocessor):
    """Turn (scene, row, column) into normalised windows.

    Scenes are copied to the device once and stay there; a batch then costs the transfer of its pixel indices.

    Args:
        num_bands: Bands C.
        mean: C means, or None to fit them.
        std: C standard deviations, or None to fit them.
        clip: Normalised values are clipped to ± this.
        augments: Configs of batch augmentations.
        non_blocking: Copy to the device without waiting.
    """

    def __init__(
        self,
        num_bands: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(num_bands, mean, std, clip, augments, non_blocking)
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
            data: ``scene`` and ``valid``, lists of the B samples' padded scenes; ``window``, their (h, w); ``row``,
                ``column``, and ``label`` (−1 where there is none).
            training: Whether to augment.

        Returns:
            ``inputs`` (B, C, h, w) float32 in channels-last memory, ``data_samples``, and ``valid`` (B, h, w) for
            models that ask for it.
        """
        scene, scene_valid, window = data["scene"][0], data["valid"][0], data["window"][0]
        rows = torch.as_tensor(data["row"]).to(self.device, non_blocking=self._non_blocking)
        columns = torch.as_tensor(data["column"]).to(self.device, non_blocking=self._non_blocking)
        x = gather_windows(self.place(scene), rows, columns, window).permute(0, 3, 1, 2)
        valid = None if scene_valid is None else gather_windows(self.place(scene_valid), rows, columns, window)
        x = self.normalise(x, valid)
        labels = torch.as_tensor(data["label"]).to(self.device, non_blocking=self._non_blocking)
        samples = [DataSample(gt_label=label) for label in labels[:, None]]
        batch = {"inputs": self.augment(x) if training else x, "data_samples": samples}
        if self.with_valid:
            batch["valid"] = valid
        return batch
