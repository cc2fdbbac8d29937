"""One scene, sparse labels, a window around each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import open_cube, read_label_map
from mmhsi.registry import DATASETS, SPLITS

from .bands import choose_bands
from .catalogue import RGB, scene_info
from .labels import IGNORE_INDEX, LabelTable
from .splits import Split
from .statistics import BandStatistics, require_data

SUBSETS = ("train", "test", "labelled", "all")


def pad_scene(array: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Mirror the borders of a scene, so that every pixel has a full window.

    Args:
        array: Shape (H, W) or (H, W, C).
        window: (h, w) in pixels.

    Returns:
        Array with h // 2 rows before and (h − 1) // 2 after, columns likewise.
    """
    margins = [(side // 2, (side - 1) // 2) for side in window] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, margins, mode="reflect")


@DATASETS.register_module()
class SceneDataset(Dataset):
    """Pixels of one scene. A sample is (row, column, label); :class:`mmhsi.models.ScenePreprocessor` cuts the windows.

    The scene stays in its file's dtype, is padded once, and travels to the device once; the samples are indices.

    Args:
        scene: Entry of the catalogue, or None for a scene described by the keys below.
        data_root: Folder that ``image`` and ``labels`` are relative to. Default: ``data``.
        window: Side of a window, or (height, width), in pixels. Default 9.
        subset: ``'train'`` or ``'test'`` pixels of ``split``; ``'labelled'``, all that have a label; ``'all'``, every
            valid pixel, labels unused, as for pretraining.
        split: Config of the split; needed for ``'train'`` and ``'test'``.
        stride: With ``'all'``: every ``stride``-th row and column. Default 1.
        bad_bands: 0-based bands to leave out beside those that the file flags bad.
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
        subset: str = "train",
        split: dict | None = None,
        stride: int = 1,
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
    ) -> None:
        if subset not in SUBSETS:
            raise ConfigError(f"SceneDataset: subset={subset!r} is unknown, expected one of {', '.join(SUBSETS)}")
        if (subset in ("train", "test")) != (split is not None):
            raise ConfigError(f"SceneDataset: subset={subset!r} {'needs' if split is None else 'takes no'} split")
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
            ),
        )
        self.info = info
        self.subset = subset
        self.window = (window, window) if isinstance(window, int) else (window[0], window[1])
        self.path = Path(data_root) / info.image

        with open_cube(self.path, key=info.image_key) as reader:
            self.bands = choose_bands(reader.info, bad_bands)
            cube = reader.read(bands=self.bands)
        require_data(cube)
        height, width, _ = cube.data.shape
        if any(side // 2 >= size for side, size in zip(self.window, (height, width), strict=True)):
            raise DataError(
                f"{self.path}: window {self.window[0]} x {self.window[1]} does not fit the scene of {height} x {width} "
                f"pixels; at most {2 * height - 1} x {2 * width - 1} can be filled by mirroring its borders"
            )
        if info.wavelengths is not None:
            if len(info.wavelengths) != reader.info.shape[2]:
                raise ConfigError(
                    f"wavelengths has {len(info.wavelengths)} values, {self.path} has {reader.info.shape[2]} bands"
                )
            cube.wavelengths = np.asarray(info.wavelengths)[self.bands]
        self.cube = cube
        valid = cube.valid()
        # Values without data may be NaN or far out of range; they are replaced by 0 after normalisation.
        self.scene: Tensor = torch.from_numpy(pad_scene(cube.data, self.window))
        self.valid: Tensor | None = None if valid.all() else torch.from_numpy(pad_scene(valid, self.window))
        self._valid_pixels = valid

        self.labels = self._read_labels(data_root) if subset != "all" else None
        self.split: Split | None = None
        protocol = {"labelled": "all labelled pixels", "all": "every valid pixel, without labels"}.get(subset, "")
        if split is not None and self.labels is not None:
            self.split = SPLITS.build(split)(self.labels, info.classes)
            protocol = self.split.protocol
        self.pixels = self._choose_pixels(stride)
        self._metainfo = dict(
            scene=info.title,
            classes=list(info.classes),
            label_ids=list(info.label_ids),
            ignore_ids=list(info.ignore_ids),
            palette=None if info.palette is None else [list(colour) for colour in info.palette],
            protocol=protocol,
            window=list(self.window),
            bands=self.bands,
            file_bands=reader.info.shape[2],
            wavelengths=None if cube.wavelengths is None else [float(nm) for nm in cube.wavelengths],
            rgb_bands=None if info.rgb_bands is None else list(info.rgb_bands),
        )

    def _read_labels(self, data_root: str | Path) -> np.ndarray:
        """Class indices (H, W), ignored where nothing was measured."""
        info = self.info
        if info.labels is None:
            raise ConfigError(f"SceneDataset: subset={self.subset!r} needs labels=…, the file of the label map")
        path = Path(data_root) / info.labels
        raw = read_label_map(path, key=info.labels_key)
        if raw.shape != self.cube.data.shape[:2]:
            raise DataError(
                f"{path}: label map of {raw.shape[0]} x {raw.shape[1]} pixels, but {self.path} has "
                f"{self.cube.data.shape[0]} x {self.cube.data.shape[1]}"
            )
        mapped = LabelTable(info.label_ids, info.classes, info.ignore_ids)(raw, str(path))
        mapped[~self._valid_pixels] = IGNORE_INDEX
        return mapped

    def _choose_pixels(self, stride: int) -> np.ndarray:
        """Flat indices of this subset."""
        if self.split is not None:
            return self.split.train if self.subset == "train" else self.split.test
        if self.labels is not None:
            return np.flatnonzero(self.labels.ravel() != IGNORE_INDEX)
        if stride < 1:
            raise ConfigError(f"SceneDataset: stride={stride} given, expected at least 1")
        grid = np.zeros_like(self._valid_pixels)
        grid[::stride, ::stride] = True
        return np.flatnonzero(grid & self._valid_pixels)

    @property
    def metainfo(self) -> dict:
        """Plain facts that a checkpoint keeps and that metrics and maps need."""
        return self._metainfo

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band over all valid pixels of the scene; no label is used."""
        statistics = BandStatistics(self.cube.data.shape[2])
        for rows, valid in zip(self.cube.data, self._valid_pixels, strict=True):
            statistics.update(rows[valid])
        return statistics

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> dict:
        """One sample: ``scene``, ``valid``, ``window``, ``row``, ``column``, ``label`` (−1 where none is used)."""
        row, column = divmod(int(self.pixels[index]), self.cube.data.shape[1])
        return dict(
            scene=self.scene,
            valid=self.valid,
            window=self.window,
            row=row,
            column=column,
            label=-1 if self.labels is None else int(self.labels[row, column]),
        )
