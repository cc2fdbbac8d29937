"""A batch of pixels that is cut only where somebody asks for windows; training passes its indices on alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from mmhsi.registry import FUNCTIONS

if TYPE_CHECKING:
    from .scene_dataset import SceneDataset


class PixelSamples(Sequence[dict]):
    """Samples of a scene: a sequence like the list of them, each cut when it is first asked for.

    Args:
        dataset: Their dataset.
        indices: Which ones; :class:`mmhsi.datasets.SizedIndex` of one size have windows of that side.
    """

    def __init__(self, dataset: SceneDataset, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices
        self._cut: dict[int, dict] = {}

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, place: int) -> dict: ...

    @overload
    def __getitem__(self, place: slice) -> list[dict]: ...

    def __getitem__(self, place: int | slice) -> dict | list[dict]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        place = range(len(self))[place]
        if place not in self._cut:  # collate functions come back for every key
            self._cut[place] = self.dataset[self.indices[place]]
        return self._cut[place]

    def places(self) -> dict:
        """Where the samples lie, without a window: what a model's preprocessor gathers them from.

        Returns:
            ``scene``, the key of the scene; ``size``, (h, w) of the windows; ``row`` and ``column``, int64 tensors
            (B,), and what the dataset knows of the pixels (:meth:`SceneDataset.truth`).
        """
        dataset = self.dataset
        row, column = np.divmod(dataset.pixels[self.indices], dataset.scene.shape[1])
        batch: dict[str, Any] = dict(
            scene=dataset.scene.key,
            size=dataset.window_of(self.indices[0]),
            row=torch.from_numpy(row),
            column=torch.from_numpy(column),
        )
        return batch | dataset.truth(row, column)


@FUNCTIONS.register_module()
def collate_pixels(samples: Sequence[dict]) -> dict:
    """Collate function of pixel classification: indices alone, no window is cut in the loader.

    Config: ``collate_fn=dict(type='collate_pixels')`` in a dataloader of :class:`mmhsi.datasets.SceneDataset`. The
    model's :class:`mmhsi.models.ScenePreprocessor` gathers the windows on the device, where
    :class:`mmhsi.engine.AttachScenesHook` has announced the scene.

    Args:
        samples: From ``SceneDataset.__getitems__``. Others, such as those of several concatenated datasets, are
            collated by mmengine's ``pseudo_collate``.

    Returns:
        :meth:`PixelSamples.places`.
    """
    return samples.places() if isinstance(samples, PixelSamples) else pseudo_collate(samples)
