"""One scene, sparse labels, a window around each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmhsi.arguments import size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATASETS, SPLITS
from mmhsi.spec import InputSpec

from .bands import nanometres
from .catalogue import RGB, scene_info
from .class_facts import class_facts
from .labels import IGNORE_INDEX
from .replay import Replay, model_bands
from .samplers import SizedIndex
from .scene import Scene, load_scene, read_scene_labels
from .splits import Split
from .statistics import BandStatistics, cube_statistics

SUBSETS = ("train", "test", "labelled", "all")


def pad_scene(array: np.ndarray, window: tuple[int, int], scale: int = 1) -> np.ndarray:
    """Mirror the borders of a scene, so that every pixel has a full window.

    Args:
        array: Shape (H · s, W · s) or (H · s, W · s, C).
        window: (h, w) in pixels of the H × W grid.
        scale: s. Whole blocks of s × s pixels are mirrored about the centre of the border block, so that sources of
            different resolution stay registered.

    Returns:
        Array with h // 2 blocks before and (h − 1) // 2 after, columns likewise.
    """
    for axis, side in enumerate(window):
        blocks = array.shape[axis] // scale
        signed = np.pad(np.arange(blocks), (side // 2, (side - 1) // 2), mode="reflect")
        beyond = np.ones(len(signed), dtype=bool)
        beyond[side // 2 : side // 2 + blocks] = False
        within = np.where(beyond[:, None], np.arange(scale)[::-1], np.arange(scale))
        array = np.take(array, (signed[:, None] * scale + within).ravel(), axis=axis)
    return array


@DATASETS.register_module()
class SceneDataset(Dataset):
    """Pixels of one scene. A sample is (row, column, label); :class:`mmhsi.models.ScenePreprocessor` cuts the windows.

    The scene stays in its file's dtype, is padded once, and travels to the device once; the samples are indices. For
    scenes that do not fit memory, :class:`mmhsi.datasets.TileDataset` reads windows from the file.

    Args:
        scene: Entry of the catalogue, or None for a scene described by the keys below.
        data_root: Folder that ``image`` and ``labels`` are relative to. Default: ``data``.
        window: Side of a window, or (height, width), in pixels. Default 9.
        largest_window: Largest side that a batch sampler asks for (:class:`mmhsi.datasets.MultiSizeBatchSampler`).
            Default: that of ``window``.
        subset: ``'train'`` or ``'test'`` pixels of ``split``; ``'labelled'``, all that have a label; ``'all'``, every
            valid pixel, labels unused, as for pretraining.
        split: Config of the split; needed for ``'train'`` and ``'test'``.
        stride: With ``'all'``: every ``stride``-th row and column. Default 1.
        use_second: Whether the windows of the second source are cut too. Default False.
        transforms: Configs of transforms of scope ``'pixel'``, such as ``PCAProject``, applied to the cube once; they
            are kept with the model and done again to a scene before a map is made.
        bad_bands: 0-based bands to leave out beside those that the file flags bad. Default: what the catalogue names.
        image: Cube's file; this and the following replace what the catalogue says.
        image_key: Variable of a ``.mat`` file.
        labels: Label map's file.
        labels_key: Its variable.
        classes: Class names.
        label_ids: Id of each class in the label map.
        ignore_ids: Ids that mean "no label". Default: 0 alone.
        palette: RGB colour of each class.
        wavelengths: Band centres in nm where the file does not carry them.
        rgb_bands: 0-based bands of a false-colour picture where wavelengths are unknown.
        label_scale: Label pixels per cube pixel along each axis, see :func:`mmhsi.datasets.majority_labels`.
        label_majority: Label pixels of a block that must agree.
        min_class_pixels: Classes with fewer pixels are dropped.
        second_image: File of the second source.
        second_key: Its variable.
        second_scale: Its pixels per cube pixel along each axis.

    Raises:
        ConfigError: If a key has a value that cannot work.
        DataError: If files are missing, damaged or do not fit each other, the window is larger than the scene, or the
            split cannot be used.
    """

    def __init__(
        self,
        scene: str | None = None,
        data_root: str | Path = "data",
        window: int | tuple[int, int] = 9,
        largest_window: int | None = None,
        subset: str = "train",
        split: dict | None = None,
        stride: int = 1,
        use_second: bool = False,
        transforms: Sequence[dict] = (),
        bad_bands: Sequence[int] | None = None,
        image: str | None = None,
        image_key: str | None = None,
        labels: str | None = None,
        labels_key: str | None = None,
        classes: Sequence[str] | None = None,
        label_ids: Sequence[int] | None = None,
        ignore_ids: Sequence[int] | None = None,
        palette: Sequence[RGB] | None = None,
        wavelengths: Sequence[float] | None = None,
        rgb_bands: RGB | None = None,
        label_scale: int | None = None,
        label_majority: int | None = None,
        min_class_pixels: int | None = None,
        second_image: str | None = None,
        second_key: str | None = None,
        second_scale: int | None = None,
    ) -> None:
        if subset not in SUBSETS:
            raise ConfigError(f"SceneDataset: subset={subset!r} is unknown, expected one of {', '.join(SUBSETS)}")
        if (subset in ("train", "test")) != (split is not None):
            raise ConfigError(f"SceneDataset: subset={subset!r} {'needs' if split is None else 'takes no'} split")
        if stride < 1:
            raise ConfigError(f"SceneDataset: stride={stride} given, expected at least 1")
        info = scene_info(
            scene,
            dict(
                image=image,
                image_key=image_key,
                labels=labels,
                labels_key=labels_key,
                classes=classes,
                label_ids=label_ids,
                ignore_ids=ignore_ids,
                palette=palette,
                wavelengths=wavelengths,
                rgb_bands=rgb_bands,
                label_scale=label_scale,
                label_majority=label_majority,
                min_class_pixels=min_class_pixels,
                second_image=second_image,
                second_key=second_key,
                second_scale=second_scale,
            ),
        )
        self.info = info
        self.subset = subset
        self.window = size_pair("SceneDataset", window, "window")
        root = Path(data_root)
        loaded = load_scene(info, root, bad_bands, use_second)
        replay = Replay(transforms, "SceneDataset")
        self.cube = replay(loaded.cube)
        self.valid_pixels = loaded.valid
        self.margin = self._margin(largest_window)
        # Values without data may be NaN or far out of range; they are replaced by 0 after normalisation.
        self.padded: Tensor = torch.from_numpy(pad_scene(self.cube.data, self.margin))
        self.padded_valid: Tensor | None = None
        if not self.valid_pixels.all():
            self.padded_valid = torch.from_numpy(pad_scene(self.valid_pixels, self.margin))
        self.second = loaded.second
        self.second_scale = loaded.second_scale
        self.padded_second: Tensor | None = None
        if self.second is not None:
            self.padded_second = torch.from_numpy(pad_scene(self.second, self.margin, self.second_scale))

        self.labels: np.ndarray | None = None
        kept = list(range(len(info.classes)))
        if subset != "all":
            self.labels, kept = read_scene_labels(info, root, loaded)
        self.split: Split | None = None
        protocol = {"labelled": "all labelled pixels", "all": "every valid pixel, without labels"}.get(subset, "")
        if split is not None and self.labels is not None:
            self.split = SPLITS.build(split)(self.labels, [info.classes[index] for index in kept])
            protocol = self.split.protocol
        self.pixels = self._choose_pixels(stride)
        self.spec = self._describe(loaded, kept, protocol, replay)

    def _describe(self, loaded: Scene, kept: list[int], protocol: str, replay: Replay) -> InputSpec:
        """What a model trained on this is given, of the classes ``kept`` of a scene."""
        cube = loaded.cube
        model_bands("SceneDataset", replay.steps, cube, range(cube.data.shape[2]), cube.wavelengths)
        return InputSpec(
            **class_facts(self.info, kept),
            protocol=protocol,
            window=self.window,
            bands=tuple(loaded.bands),
            file_bands=loaded.file_bands,
            wavelengths=nanometres(loaded.cube.wavelengths),
            transforms=replay.transforms,
            num_bands=self.cube.data.shape[2],
            model_wavelengths=nanometres(self.cube.wavelengths),
            second_bands=None if self.second is None else self.second.shape[2],
            second_scale=None if self.second is None else self.second_scale,
        )

    def _margin(self, largest_window: int | None) -> tuple[int, int]:
        """Window that the padding makes room for."""
        height, width = self.valid_pixels.shape
        h, w = (max(side, largest_window or 1) for side in self.window)
        if h // 2 >= height or w // 2 >= width:
            raise DataError(
                f"{self.cube.name}: window {h} x {w} does not fit the scene of {height} x {width} pixels; at most "
                f"{2 * height - 1} x {2 * width - 1} can be filled by mirroring its borders"
            )
        return h, w

    def _choose_pixels(self, stride: int) -> np.ndarray:
        """Flat indices of this subset."""
        if self.split is not None:
            return self.split.train if self.subset == "train" else self.split.test
        if self.labels is not None:
            return np.flatnonzero(self.labels.ravel() != IGNORE_INDEX)
        grid = np.zeros_like(self.valid_pixels)
        grid[::stride, ::stride] = True
        return np.flatnonzero(grid & self.valid_pixels)

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

    def __getitem__(self, index: int) -> dict:
        """One sample: :meth:`__getitems__` of one."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[dict]:
        """A batch, for which torch's DataLoader asks at once.

        Args:
            indices: Samples; :class:`mmhsi.datasets.SizedIndex` of one size have windows of that side.

        Returns:
            One dict: ``scene``, ``valid``, ``second``, the padded arrays; ``top``, ``left``, int arrays (B,), and
            ``height``, ``width`` of the windows in the padded scene; ``scale`` of the second source; ``row``,
            ``column`` and ``label`` (B,), the label −1 where none is used.
        """
        row, column = np.divmod(self.pixels[indices], self.cube.data.shape[1])
        first = indices[0]  # a numpy integer has a size too
        window = (first.size, first.size) if isinstance(first, SizedIndex) else self.window
        return [
            dict(
                scene=self.padded,
                valid=self.padded_valid,
                second=self.padded_second,
                scale=self.second_scale,
                height=window[0],
                width=window[1],
                top=row + (self.margin[0] // 2 - window[0] // 2),
                left=column + (self.margin[1] // 2 - window[1] // 2),
                row=row,
                column=column,
                label=np.full(len(row), -1) if self.labels is None else self.labels[row, column],
            )
        ]
