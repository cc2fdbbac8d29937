"""One scene as one image, of whose pixels few have a label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError
from mmhsi.registry import DATASETS

from .label_table import IGNORE_INDEX
from .scene_dataset import SceneDataset
from .seeded_dataset import SeededDataset
from .targets import target_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .catalogue import SceneInfo
    from .splits import Split, SplitRule
    from .statistics import BandStatistics
    from .transforms.scope import Transform


@DATASETS.register_module()
class WholeSceneDataset(SeededDataset):
    """One scene, its only sample: what a segmentor learns the few labelled pixels of a :class:`SceneDataset` from.

    A window around each pixel shows a network little, and neighbours are computed again for every window. Here every
    step sees the whole scene, and only the pixels of ``subset`` have a class, all others are ignored (patch-free
    learning, Z. Zheng et al., FPGA, TGRS 2020). Splits, fixed or drawn, are those of :class:`SceneDataset`.

    A sample goes through ``pipeline`` with ``img`` (H, W, C), ``valid`` (H, W) bool and, with labels, ``gt_seg_map``
    (H, W) int64, 255 where a pixel is not of this subset; with ``targets`` ``gt_values`` (H, W, T) float32. A scene
    that is too large for one step is cut there, by :class:`mmhsi.datasets.transforms.RandomWindow`.

    Args:
        scene: As for :class:`SceneDataset`.
        data_root: As for :class:`SceneDataset`. Default: ``data``.
        subset: As for :class:`SceneDataset`. Default: ``'train'``.
        split: As for :class:`SceneDataset`.
        use_second: Whether ``transforms`` and ``targets`` see the second source, which they have to use up. Default
            False.
        transforms: As for :class:`SceneDataset`.
        targets: Transforms whose channels are the values to be predicted, as ``transforms`` are made and fitted, such
            as ``[dict(type='SceneChannels', groups=['emp', 'words'])]``: for pretraining, with ``subset='all'``.
            Default: none.
        pipeline: Transforms of the sample.
        lazy_init: mmengine's flag.

    Raises:
        ConfigError: If a key has a value that cannot work, or the second source is not used up.
        DataError: As :class:`SceneDataset`.

    Example:
        >>> from mmhsi.datasets import FewShotSplit
        >>> dataset = WholeSceneDataset("demo", split=FewShotSplit(20))
        >>> len(dataset), dataset[0]["img"].shape, int((dataset[0]["gt_seg_map"] != 255).sum())
        (1, (96, 96, 56), 160)
    """

    def __init__(
        self,
        scene: str | SceneInfo | Mapping[str, object] | None = None,
        data_root: str | Path = "data",
        subset: str = "train",
        split: Split | SplitRule | dict | None = None,
        use_second: bool = False,
        transforms: Sequence[dict | Transform] = (),
        targets: Sequence[dict | Transform] = (),
        pipeline: Sequence[dict | Callable] = (),
        lazy_init: bool = False,
    ) -> None:
        if targets and subset != "all":
            raise ConfigError(
                f"WholeSceneDataset: targets=… given with subset={subset!r}, expected 'all': no label is used"
            )
        self.pixels = SceneDataset(
            scene, data_root, window=1, subset=subset, split=split, use_second=use_second, transforms=transforms
        )
        if self.pixels.second is not None:
            raise ConfigError(
                "WholeSceneDataset: use_second=True given, but no transform uses the second source up; models of whole "
                "images take one; give transforms=[dict(type='SceneChannels', groups=['spectra', 'finer'])]"
            )
        self.values: np.ndarray | None = None
        if targets:
            made = SceneDataset(scene, data_root, window=1, subset="all", use_second=use_second, transforms=targets)
            self.values = np.where(made.valid_pixels[..., None], made.cube.data, np.float32(np.nan)).astype(np.float32)
        super().__init__(pipeline, lazy_init)

    def load_data_list(self) -> list[dict]:
        """The scene, and what a model is given of it."""
        spec = replace(self.pixels.spec, window=self.pixels.scene.shape)
        if self.values is not None:
            names = [f"channel {number}" for number in range(1, self.values.shape[2] + 1)]
            known = self.values.reshape(-1, self.values.shape[2])
            plain = replace(spec, classes=(), label_ids=(), ignore_ids=(), palette=None)
            spec = replace(plain, targets=target_facts(known, names, (), self.pixels.info.title))
        self._spec = spec
        return [dict(img_path=self.pixels.cube.name)]

    def get_data_info(self, idx: int) -> dict:
        """The scene, for the pipeline.

        Args:
            idx: 0.
        """
        pixels, shape = self.pixels, self.pixels.scene.shape
        entry = super().get_data_info(idx) | dict(
            img=np.array(pixels.cube.data),  # the pipeline may write into it
            valid=np.array(pixels.valid_pixels),
            img_shape=shape,
            ori_shape=shape,
            wavelengths=pixels.cube.wavelengths,
            fwhm=pixels.cube.fwhm,
            seg_fields=["valid"],
        )
        if self.values is not None:
            entry["gt_values"] = self.values.copy()
        elif pixels.labels is not None:
            chosen = np.full(pixels.labels.size, IGNORE_INDEX, np.int64)
            chosen[pixels.pixels] = pixels.labels.ravel()[pixels.pixels]
            entry["gt_seg_map"] = chosen.reshape(shape)
            entry["seg_fields"].append("gt_seg_map")
        return entry

    @property
    def split(self) -> Split | None:
        """Which labelled pixels train and which are for test."""
        return self.pixels.split

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band over all valid pixels of the scene; no label is used."""
        return self.pixels.band_statistics()

    def label_counts(self) -> np.ndarray:
        """Pixels of every class among those of this subset, shape (K,), int64.

        Raises:
            ConfigError: If the data set was made without labels.
        """
        return self.pixels.label_counts()
