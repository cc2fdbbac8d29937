"""Tiles for semantic segmentation and pretraining: pairs of files, or windows of larger ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmhsi.arguments import size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATASETS

from .bands import band_centres, choose_bands, nanometres
from .catalogue import RGB, SceneInfo, scene_info
from .labels import IGNORE_INDEX, LabelTable
from .pixelwise import value_transforms
from .seeded_dataset import SeededDataset
from .splits import split_tiles
from .statistics import BandStatistics, pipeline_statistics
from .tile_headers import read_headers
from .tile_list import cut_windows, list_tiles
from .transforms.loading import read_classes

PARTS = ("train", "test")

STATISTICS_TILES = 512
"""Tiles that band statistics are taken from."""


@DATASETS.register_module()
class TileDataset(SeededDataset):
    """Tiles listed in a csv file, all that lie in a folder, or the windows of one big scene.

    Args:
        scene: Entry of the catalogue of form ``'tiles'`` or ``'big scene'``, or None for files of one's own.
        subset: Part of the catalogue's tiles, e.g. ``'train'``; None for a big scene.
        data_root: Folder that every path is relative to. Default: ``data``.
        split_file: csv with a column ``image`` and, for labelled tiles, ``mask``.
        image_dir: Without ``split_file``: folder of the images.
        label_dir: Without ``split_file``: folder of the label maps, which have their image's file name.
        suffix: File suffix in ``image_dir``. Default ``'.tif'``.
        image: Instead of tiles: one big scene.
        image_key: Variable of a ``.mat`` or HDF5 file.
        image_axes: Its axes where the file does not name them, such as ``"y x band"`` (:func:`mmhsi.io.open_cube`).
        labels: Label map of the big scene.
        labels_key: Its variable.
        labels_axes: Its axes.
        window: Cut every file into windows of this side, or (height, width), in pixels; rows and columns that fill no
            window are left out. Default None: whole files.
        stride: Step between windows. Default: ``window``.
        region: (row, column, height, width) of the part of every file that is used, in pixels of the cube, so that
            training and test regions of one scene can be held apart. Default None: all of it.
        turns: Quarter turns of the copies that every tile is given in, e.g. ``(0, 1, 3)``. Default: as it is, once.
        split: ``dict(part='train' | 'test', train_share=0.8, seed=0)``: that part of the tiles after shuffling; copies
            and overlapping windows never fall apart, since overlap is refused. Default None: all.
        classes: Class names.
        label_ids: Id of each class in the label maps.
        ignore_ids: Ids that mean "no label". Default: 0 alone.
        palette: RGB colour of each class.
        label_scale: Label pixels per cube pixel along each axis. Default 1.
        label_majority: Label pixels of a block that must agree.
        fine_labels: Whether labels stay at their own resolution, ``label_scale`` times the cube's; predictions are
            then resized to it. Default False: each cube pixel has the class of most of its label pixels.
        bad_bands: 0-based bands to leave out beside those that the files flag bad.
        with_labels: Whether label maps are read; False for pretraining. Default True.
        protocol: One line about the split, printed beside results.
        pipeline: Transforms.
        lazy_init: mmengine's flag.

    Raises:
        ConfigError: If a key is missing or contradicts another.
        DataError: If a listed file is missing or the tiles differ in their bands or wavelengths.
    """

    def __init__(
        self,
        scene: str | None = None,
        subset: str | None = None,
        data_root: str = "data",
        split_file: str | None = None,
        image_dir: str | None = None,
        label_dir: str | None = None,
        suffix: str = ".tif",
        image: str | None = None,
        image_key: str | None = None,
        image_axes: str | None = None,
        labels: str | None = None,
        labels_key: str | None = None,
        labels_axes: str | None = None,
        window: int | tuple[int, int] | None = None,
        stride: int | None = None,
        region: tuple[int, int, int, int] | None = None,
        turns: Sequence[int] = (0,),
        split: dict | None = None,
        classes: Sequence[str] | None = None,
        label_ids: Sequence[int] | None = None,
        ignore_ids: Sequence[int] | None = None,
        palette: Sequence[RGB] | None = None,
        label_scale: int | None = None,
        label_majority: int | None = None,
        fine_labels: bool = False,
        bad_bands: Sequence[int] | None = None,
        with_labels: bool = True,
        protocol: str = "",
        pipeline: Sequence[dict | Callable] = (),
        lazy_init: bool = False,
    ) -> None:
        info = scene_info(
            scene,
            dict(
                image=image or ("" if scene is None else None),
                image_key=image_key,
                image_axes=image_axes,
                labels=labels,
                labels_key=labels_key,
                labels_axes=labels_axes,
                classes=classes,
                label_ids=label_ids,
                ignore_ids=ignore_ids,
                palette=palette,
                label_scale=label_scale,
                label_majority=label_majority,
            ),
        )
        self.root = Path(data_root)
        self.split_file, self.image_dir, self.label_dir = split_file, image_dir, label_dir
        if scene is not None and info.form == "tiles":
            self._take_subset(info, subset)
            self.root = self.root / info.image
            info = replace(info, image="")
        elif subset is not None:
            raise ConfigError(f"TileDataset: subset={subset!r} needs scene=… of form 'tiles'")
        if sum(bool(source) for source in (self.split_file, self.image_dir, info.image)) != 1:
            raise ConfigError("TileDataset: give one of scene, split_file, image_dir and image")
        self.info = info
        self.suffix = suffix
        self.window = None if window is None else size_pair("TileDataset", window, "window")
        self.stride = self.window if stride is None else size_pair("TileDataset", stride, "stride")
        self.region = region
        self.fine_labels = fine_labels
        self.turns = tuple(turns)
        self.split = self._checked(split)
        self.bad_bands = info.bad_bands if bad_bands is None else bad_bands
        self.with_labels = with_labels
        self.label_table = LabelTable(info.label_ids, info.classes, info.ignore_ids)
        super().__init__(
            metainfo=dict(
                classes=list(info.classes),
                label_ids=list(info.label_ids),
                ignore_ids=list(info.ignore_ids),
                palette=None if info.palette is None else [list(colour) for colour in info.palette],
                rgb_bands=None if info.rgb_bands is None else list(info.rgb_bands),
                protocol=protocol or self._protocol(subset),
                transforms=value_transforms(pipeline),
            ),
            pipeline=pipeline,
            lazy_init=lazy_init,
        )

    def _take_subset(self, info: SceneInfo, subset: str | None) -> None:
        """Files of a part of the catalogue's tiles."""
        found = [part for part in info.subsets if part.name == subset]
        if not found:
            names = ", ".join(part.name for part in info.subsets)
            raise ConfigError(f"TileDataset: subset={subset!r} is unknown for {info.title}, expected one of {names}")
        self.split_file, self.image_dir, self.label_dir = found[0].split_file, found[0].image_dir, found[0].label_dir

    def _checked(self, split: dict | None) -> dict | None:
        """The split's keys, with defaults."""
        if split is None:
            return None
        complete = dict(dict(train_share=0.8, seed=0), **split)
        if set(complete) != {"part", "train_share", "seed"} or complete["part"] not in PARTS:
            raise ConfigError(f"TileDataset: split={split} given, expected part='train' or 'test', train_share, seed")
        if not 0 < complete["train_share"] < 1:
            raise ConfigError(f"TileDataset: split.train_share={complete['train_share']} given, expected 0 to 1")
        if self.window and self.stride and (self.stride[0] < self.window[0] or self.stride[1] < self.window[1]):
            raise ConfigError(
                f"TileDataset: windows of {self.window} every {self.stride} pixels overlap, so that a split of them "
                "would put test pixels into training tiles; use stride >= window"
            )
        return complete

    def _protocol(self, subset: str | None) -> str:
        """One line about where the tiles come from."""
        source = self.split_file or self.image_dir or self.info.image
        line = f"{self.info.title}, {subset} tiles" if subset else f"tiles of {source}"
        if self.region is not None:
            row, column, height, width = self.region
            line += f", rows {row} to {row + height - 1} and columns {column} to {column + width - 1}"
        if self.split is not None:
            share, seed = self.split["train_share"], self.split["seed"]
            line += f", {share:.0%} of the tiles for training, seed {seed}, {self.split['part']} part"
        return line

    def _files(self) -> list[tuple[Path, Path | None]]:
        """(image, label map) of every file."""
        if self.info.image:
            return [(self.root / self.info.image, self.root / self.info.labels if self.info.labels else None)]
        return list_tiles(self.root, self.split_file, self.image_dir, self.label_dir, self.suffix, self.with_labels)

    def load_data_list(self) -> list[dict]:
        """List the tiles, check that every file is there, and read their headers."""
        info, files = self.info, self._files()
        if self.with_labels and not all(mask for _, mask in files):
            raise ConfigError("TileDataset: label_dir (or labels) is needed for labels, or with_labels=False")
        for pair in files:
            for path in pair if self.with_labels else pair[:1]:
                if not os.path.isfile(str(path)):  # also where the name is none that a file can have
                    raise DataError(f"{path}: no such file, listed in {self.split_file or self.image_dir or 'image'}")
        headers = read_headers(
            [image for image, _ in files], info.image_key, info.image_axes, self.bad_bands, info.wavelengths is not None
        )
        header = headers[0]
        bands, shape = choose_bands(header, self.bad_bands), header.shape[:2]
        centres = band_centres(info.wavelengths, header)
        used = None if centres is None else nanometres(centres[bands])
        self._metainfo.update(
            bands=bands,
            file_bands=header.shape[2],
            tile_size=list(self.window or shape),
            input_wavelengths=used,
            wavelengths=used,
        )
        common = dict(img_key=info.image_key, img_axes=info.image_axes, bands=bands, file_bands=header.shape[2])
        common.update(label_scale=info.label_scale, label_majority=info.label_majority, fine_labels=self.fine_labels)
        if self.with_labels:
            common.update(seg_map_key=info.labels_key, seg_map_axes=info.labels_axes)
        entries = []
        for (image, mask), own in zip(files, headers, strict=True):
            entries.append(dict(common, img_path=str(image), tile_shape=own.shape[:2]))
            if self.with_labels:
                entries[-1].update(seg_map_path=str(mask))
            self._check_region(entries[-1])
        return self._spread(entries)

    def _check_region(self, entry: dict) -> None:
        """Whether the region lies in the file."""
        if self.region is None:
            return
        (row, column, h, w), (height, width) = self.region, entry["tile_shape"]
        if min(row, column) < 0 or min(h, w) < 1 or row + h > height or column + w > width:
            raise ConfigError(
                f"TileDataset: region={self.region} (row, column, height, width) leaves {entry['img_path']}, which has "
                f"{height} x {width} pixels"
            )

    def _spread(self, entries: list[dict]) -> list[dict]:
        """Windows of every file or its region, the part that is asked for, and the turned copies of each."""
        region = self.region
        window = self.window or (None if region is None else region[2:])
        if window is not None:
            entries = [
                dict(entry, window=place)
                for entry in entries
                for place in cut_windows(
                    entry["img_path"], region or (0, 0, *entry["tile_shape"]), window, self.stride or window
                )
            ]
        if self.split is not None:
            named = {f"{entry['img_path']} {entry.get('window', ())}": entry for entry in entries}
            share = self.split["train_share"]
            parts = split_tiles(list(named), (share, 1 - share), self.split["seed"])
            entries = [named[name] for name in parts[PARTS.index(self.split["part"])]]
        return [dict(entry, turns=turn) for entry in entries for turn in self.turns]

    def get_data_info(self, idx: int) -> dict:
        """Entry of a tile, with the label table that its loader needs."""
        return {**super().get_data_info(idx), "label_table": self.label_table}

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band over the valid pixels that the pipeline gives.

        At most :data:`STATISTICS_TILES` tiles, evenly spread over the list, go through the pipeline one at a time.
        """
        self.full_init()
        indices = range(0, len(self), -(-len(self) // STATISTICS_TILES))
        statistics = pipeline_statistics(self.prepare_data, indices)
        if statistics is None or statistics.count == 0:
            raise DataError(
                f"{self.root}: no tile has a pixel with data in every used band; name the empty bands in bad_bands=[…]"
            )
        return statistics

    def label_counts(self) -> np.ndarray:
        """Labelled pixels of every class over all tiles or windows of the list, shape (K,), int64; reads labels alone.

        Raises:
            ConfigError: If the data set was made without labels.
        """
        self.full_init()
        counts = np.zeros(len(self.metainfo["classes"]), np.int64)
        for index in range(len(self)):
            entry = self.get_data_info(index)
            if "seg_map_path" not in entry:
                raise ConfigError(f"{self.root}: the tiles have no labels (with_labels=False)")
            classes = read_classes(entry)
            counts += np.bincount(classes[classes != IGNORE_INDEX], minlength=len(counts))
        return counts
