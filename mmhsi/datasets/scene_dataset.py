"""One scene, sparse labels, a window around each pixel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from mmhsi.arguments import size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATASETS
from mmhsi.spec import InputSpec

from .bands import nanometres
from .catalogue import SceneInfo, scene_info
from .class_facts import class_facts
from .demo import scene_folder
from .label_table import IGNORE_INDEX
from .pixel_samples import PixelSamples
from .replay import Replay, model_bands
from .samplers import SizedIndex
from .scene import Scene, load_scene, read_scene_labels
from .splits import Split, SplitRule, apply_split
from .statistics import BandStatistics, cube_statistics
from .transformed_scene import transformed_scene

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .transforms.scope import Transform

SUBSETS = ("train", "test", "labeled", "all")


@DATASETS.register_module()
class SceneDataset(Dataset):
    """Pixels of one scene; a sample is the window around one of them.

    Single samples are cut from the scene in memory, where it stays in its file's dtype. For training, which takes
    thousands a second, a batch is :class:`PixelSamples`: with ``collate_fn=dict(type='collate_pixels')`` in the
    dataloader it carries indices alone, and :class:`mmhsi.models.ScenePreprocessor` gathers the windows on the device
    from the one copy of the scene that it keeps there. Of a scene that would take more than half of the memory there
    is, or without a GPU more than 3 GiB, the values are mapped from a file (:mod:`mmhsi.datasets.scene_in_file`) and
    windows are cut from there, unless ``transforms`` need it whole.

    Args:
        scene: Entry of the catalogue; or a description: a :class:`mmhsi.datasets.SceneInfo` or a dict of its fields,
            such as ``dict(image='cube.hdr', labels='labels.tif', classes=[…], label_ids=[…])`` or
            ``dict(image='cube.hdr', labels='drawn.gpkg', label_field='class')`` for files of one's own,
            ``dict(base='salinas_a', bad_bands=[0])`` for an entry with changes. ``'demo'`` is simulated where its files
            are missing.
        data_root: Folder that the paths of the scene are relative to. Default: ``data``.
        window: Side of a window, or (height, width), in pixels. Default 9.
        largest_window: Largest side that a batch sampler asks for (:class:`mmhsi.datasets.MultiSizeBatchSampler`).
            Default: that of ``window``.
        subset: ``'train'`` or ``'test'`` pixels of ``split``; ``'labeled'``, all that have a label; ``'all'``, every
            valid pixel, labels unused, as for pretraining. Default: ``'train'``.
        split: Which labelled pixels train, needed for ``'train'`` and ``'test'``: a rule such as
            :class:`mmhsi.datasets.FewShotSplit` or its config, or the :class:`mmhsi.datasets.Split` itself.
        stride: With ``'all'``: every ``stride``-th row and column. Default 1.
        random_pixels: With ``'all'``: so many of these at random, always the same; all, if there are no more. Default
            None: all.
        use_second: Whether the windows of the second source are cut too. Default False.
        transforms: Transforms of scope ``'pixel'`` or ``'neighborhood'``, such as ``PCAProject`` or
            ``SceneChannels``, or their configs, applied to the cube once; they are fitted to it where they have to be,
            kept with the model, and done again to a scene before a map is made. A second source that one of them takes
            is no more to be seen behind them.

    Raises:
        ConfigError: If a key has a value that cannot work.
        DataError: If files are missing, damaged or do not fit each other, the window is larger than the scene, or the
            split cannot be used.

    Example:
        >>> from mmhsi.datasets import FewShotSplit
        >>> dataset = SceneDataset("demo", split=FewShotSplit(20), window=5)
        >>> len(dataset), tuple(dataset[0]["window"].shape)
        (160, (5, 5, 56))
    """

    def __init__(
        self,
        scene: str | SceneInfo | Mapping[str, object] | None = None,
        data_root: str | Path = "data",
        window: int | tuple[int, int] = 9,
        largest_window: int | None = None,
        subset: str = "train",
        split: Split | SplitRule | dict | None = None,
        stride: int = 1,
        random_pixels: int | None = None,
        use_second: bool = False,
        transforms: Sequence[dict | Transform] = (),
    ) -> None:
        if subset not in SUBSETS:
            raise ConfigError(f"SceneDataset: subset={subset!r} is unknown, expected one of {', '.join(SUBSETS)}")
        if (subset in ("train", "test")) != (split is not None):
            raise ConfigError(f"SceneDataset: subset={subset!r} {'needs' if split is None else 'takes no'} split")
        if stride < 1:
            raise ConfigError(f"SceneDataset: stride={stride} given, expected at least 1")
        if random_pixels is not None and (random_pixels < 1 or subset != "all"):
            raise ConfigError(
                f"SceneDataset: random_pixels={random_pixels} given, expected at least 1 and subset='all'"
            )
        info = scene_info(scene)
        self.subset = subset
        self.window = size_pair("SceneDataset", window, "window")
        replay = Replay(transforms, "SceneDataset")
        self.labels: np.ndarray | None = None
        self.polygons: np.ndarray | None = None
        kept = list(range(len(info.classes)))
        with scene_folder(info, Path(data_root)) as root:
            loaded = load_scene(info, root, use_second, in_memory=bool(replay.steps))
            self._shared = transformed_scene(loaded, replay)
            self.scene, replay = self._shared.scene, self._shared.replay
            self.margin = self._margin(largest_window)
            if subset != "all":
                info, kept = self._read_truth(info, root, loaded)
        self.info = info
        # Values without data may be NaN or far out of range; they are replaced by 0 after normalisation.
        self.cube, self.valid_pixels = self.scene.cube, self.scene.valid
        self.second, self.second_scale = self.scene.second, self.scene.second_scale

        self.split: Split | None = None
        protocol = {"labeled": "all labelled pixels", "all": "every valid pixel, without labels"}.get(subset, "")
        if split is not None and self.labels is not None:
            self.split = apply_split(split, self.labels, [info.classes[index] for index in kept], self.polygons)
            protocol = self.split.protocol
        self.pixels = self._choose_pixels(stride, random_pixels)
        self.spec = self._describe(loaded, kept, protocol, replay)

    def _read_truth(self, info: SceneInfo, root: Path, loaded: Scene) -> tuple[SceneInfo, list[int]]:
        """Read what is known of the pixels.

        Args:
            info: What is known of the scene.
            root: Folder that its files are relative to.
            loaded: The scene.

        Returns:
            What is known of it now, and which of its classes :attr:`labels` count.
        """
        found = read_scene_labels(info, root, loaded)
        self.labels, self.polygons = found.labels, found.polygons
        return found.info, found.kept

    def truth(self, row: np.ndarray, column: np.ndarray) -> dict[str, torch.Tensor]:
        """What is known of pixels.

        Args:
            row: Rows, (B,).
            column: Columns, (B,).

        Returns:
            ``label``, int64 (B,), where the dataset has labels.
        """
        return {} if self.labels is None else {"label": torch.from_numpy(self.labels[row, column])}

    def _describe(self, loaded: Scene, kept: list[int], protocol: str, replay: Replay) -> InputSpec:
        """What a model trained on this is given, of the classes ``kept`` of a scene."""
        cube = loaded.cube
        second, scale = loaded.second, loaded.second_scale
        given = second.shape[2] if second is not None and replay.takes_second else 0
        model_bands("SceneDataset", replay.steps, cube, range(cube.data.shape[2]), cube.wavelengths, given, scale)
        return InputSpec(
            **class_facts(self.info, kept),
            protocol=protocol,
            window=self.window,
            bands=tuple(loaded.bands),
            file_bands=loaded.file_bands,
            values=loaded.values,
            wavelengths=nanometres(loaded.cube.wavelengths),
            transforms=replay.transforms,
            num_bands=self.cube.data.shape[2],
            model_wavelengths=nanometres(self.cube.wavelengths),
            second_bands=None if second is None else second.shape[2],
            second_scale=None if second is None else scale,
            second_in_transforms=replay.takes_second,
        )

    def _margin(self, largest_window: int | None) -> tuple[int, int]:
        """Largest window that is cut."""
        height, width = self.scene.shape
        h, w = (max(side, largest_window or 1) for side in self.window)
        if h // 2 >= height or w // 2 >= width:
            raise DataError(
                f"{self.scene.cube.name}: window {h} x {w} does not fit the scene of {height} x {width} pixels; at "
                f"most {2 * height - 1} x {2 * width - 1} can be filled by mirroring its borders"
            )
        return h, w

    def _choose_pixels(self, stride: int, random_pixels: int | None) -> np.ndarray:
        """Flat indices of this subset."""
        if self.split is not None:
            return self.split.train if self.subset == "train" else self.split.test
        if self.labels is not None:
            return np.flatnonzero(self.labels.ravel() != IGNORE_INDEX)
        grid = np.zeros_like(self.valid_pixels)
        grid[::stride, ::stride] = True
        pixels = np.flatnonzero(grid & self.valid_pixels)
        if random_pixels is None or random_pixels >= len(pixels):
            return pixels
        return np.sort(np.random.default_rng(0).choice(pixels, random_pixels, replace=False))

    @property
    def metainfo(self) -> dict:
        """:attr:`spec` as plain data, which mmengine puts into checkpoints and gives to metrics and visualizers."""
        return self.spec.to_meta()

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band over all valid pixels of the scene; no label is used."""
        return cube_statistics(self.cube.data, self.valid_pixels)

    def second_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band of the second source over all valid pixels of the scene."""
        if self.second is None:
            raise ConfigError("SceneDataset: use_second=True is needed for statistics of a second source")
        valid = self.valid_pixels.repeat(self.second_scale, axis=0).repeat(self.second_scale, axis=1)
        return cube_statistics(self.second, valid)

    def label_counts(self) -> np.ndarray:
        """Pixels of every class among those of this subset, shape (K,), int64.

        Raises:
            ConfigError: If the data set was made without labels.
        """
        if self.labels is None:
            raise ConfigError("SceneDataset: subset='all' has no labels to count")
        chosen = self.labels.ravel()[self.pixels]
        return np.bincount(chosen[chosen != IGNORE_INDEX], minlength=self.spec.num_classes)

    def __len__(self) -> int:
        return len(self.pixels)

    def window_of(self, index: int) -> tuple[int, int]:
        """Size (h, w) of a sample's window.

        Args:
            index: Sample; a :class:`mmhsi.datasets.SizedIndex` has a window of its size, others have the dataset's.
        """
        return (index.size, index.size) if isinstance(index, SizedIndex) else self.window

    def __getitem__(self, index: int) -> dict:
        """Cut one sample; what lies beyond the scene is mirrored.

        Args:
            index: Sample; a :class:`mmhsi.datasets.SizedIndex` has a window of its size.

        Returns:
            ``window``, tensor (h, w, C) in the file's dtype; ``valid``, bool (h, w), pixels that hold data; ``row`` and
            ``column`` of its centre in the scene, whose pixel is [h // 2, w // 2]; ``label``, its class, where the
            dataset has labels; with ``use_second`` also ``second``, tensor (h · s, w · s, C2).
        """
        h, w = self.window_of(index)
        row, column = divmod(int(self.pixels[index]), self.scene.shape[1])
        sample: dict = self.scene.cut(row - h // 2, column - w // 2, (h, w)) | dict(row=row, column=column)
        if self.labels is not None:
            sample["label"] = int(self.labels[row, column])
        return sample

    def __getitems__(self, indices: list[int]) -> PixelSamples:
        """A batch, for which torch's DataLoader asks at once; nothing is cut yet.

        Args:
            indices: Samples; :class:`mmhsi.datasets.SizedIndex` of one size have windows of that side.
        """
        return PixelSamples(self, indices)
