"""Tiles for semantic segmentation and pretraining: pairs of files, or windows of larger ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.placement import Grid
from mmhsi.io.value_origins import shared_origin
from mmhsi.io.vectors import is_vector
from mmhsi.progress import watched
from mmhsi.registry import DATASETS
from mmhsi.spec import InputSpec

from .bands import band_centres, choose_bands, nanometres
from .catalogue import SceneInfo, scene_info
from .class_facts import class_facts
from .drawn_tiles import draw_tile, label_fields
from .label_table import IGNORE_INDEX, LabelTable
from .replay import model_bands
from .seeded_dataset import SeededDataset
from .splits import TileSplit
from .statistics import BandStatistics, pipeline_statistics
from .tile_channels import fit_channels
from .tile_headers import read_headers
from .tile_list import cut_windows, list_tiles
from .transforms.loading import read_classes

if TYPE_CHECKING:
    from mmhsi.io import CubeInfo

STATISTICS_TILES = 512
"""Tiles that band statistics are taken from, and channels are fitted to."""


@DATASETS.register_module()
class TileDataset(SeededDataset):
    """Tiles listed in a csv file, all that lie in a folder, or the windows of one big scene.

    Args:
        scene: Entry of the catalogue of form ``'tiles'`` or ``'big scene'``; or a description, a
            :class:`mmhsi.datasets.SceneInfo` or a dict of its fields: ``dict(image='scene.tif', labels='labels.tif',
            classes=[…], label_ids=[…])`` or ``dict(image='scene.tif', labels='drawn.gpkg')`` for one big scene, without
            ``image`` for files that ``split_file`` or ``image_dir`` name, with ``base`` for changes to an entry.
            Default None: files without labels.
        subset: Part of the catalogue's tiles, e.g. ``'train'``; None for a big scene.
        data_root: Folder that every path is relative to. Default: ``data``.
        split_file: csv with a column ``image`` and, for labelled tiles, ``mask``; beside ``image_dir`` a plain list,
            one file name a line.
        image_dir: Folder of the images: of those that ``split_file`` lists, or of all.
        label_dir: Folder of the label maps, which have their image's file name.
        suffix: File suffix in ``image_dir``, which may begin with folders, as ``'/*.tif'``. Default ``'.tif'``.
        window: Cut every file into windows of this side, or (height, width), in pixels; rows and columns that fill no
            window are left out. Default None: whole files.
        stride: Step between windows. Default: ``window``.
        region: (row, column, height, width) of the part of every file that is used, in pixels of the cube, so that
            training and test regions of one scene can be held apart. Default None: all of it.
        turns: Quarter turns of the copies that every tile is given in, e.g. ``(0, 1, 3)``. Default: as it is, once.
        split: :class:`mmhsi.datasets.TileSplit` or a dict of its fields, ``dict(part='train', train_share=0.8,
            seed=0)``: that part of the tiles after shuffling; copies and overlapping windows never fall apart, since
            overlap is refused. Default None: all.
        fine_labels: Whether labels stay at their own resolution, the scene's ``label_scale`` times the cube's;
            predictions are then resized to it. Default False: each cube pixel has the class of most of its label
            pixels.
        with_labels: Whether label maps are read; False for pretraining. Default True.
        protocol: One line about the split, printed beside results.
        pipeline: Transforms or their configs. A ``SceneChannels`` that is not fitted yet is fitted to these tiles, at
            most 512 of them, evenly spread; what stands before it reads or is of scope ``'pixel'``.
        lazy_init: mmengine's flag.

    Raises:
        ConfigError: If a key is missing or contradicts another.
        DataError: If a listed file is missing or the tiles differ in their bands or wavelengths; of whole tiles of the
            catalogue that of the bands is said where one is read.

    Example:
        >>> tiles = TileDataset(image_dir="tiles", data_root="data/my_scenes", window=64)  # doctest: +SKIP
        >>> tiles[0]["img"].shape  # doctest: +SKIP
        (64, 64, 202)
    """

    def __init__(
        self,
        scene: str | SceneInfo | Mapping[str, object] | None = None,
        subset: str | None = None,
        data_root: str = "data",
        split_file: str | None = None,
        image_dir: str | None = None,
        label_dir: str | None = None,
        suffix: str = ".tif",
        window: int | tuple[int, int] | None = None,
        stride: int | None = None,
        region: tuple[int, int, int, int] | None = None,
        turns: Sequence[int] = (0,),
        split: TileSplit | dict | None = None,
        fine_labels: bool = False,
        with_labels: bool = True,
        protocol: str = "",
        pipeline: Sequence[dict | Callable] = (),
        lazy_init: bool = False,
    ) -> None:
        if scene is None or (isinstance(scene, Mapping) and "base" not in scene):
            scene = {"image": "", **(scene or {})}  # the files may have names of their own
        info = scene_info(scene)
        self.root = Path(data_root)
        self.split_file, self.image_dir, self.label_dir = split_file, image_dir, label_dir
        self.suffix = suffix
        self.listed_as: str | None = None
        self.is_published = info.form == "tiles"
        if self.is_published:
            self._take_subset(info, subset)
            self.root = self.root / info.image
            info = replace(info, image="")
        elif subset is not None:
            raise ConfigError(f"TileDataset: subset={subset!r} needs scene=… of form 'tiles'")
        if bool(self.split_file or self.image_dir) == bool(info.image):
            raise ConfigError("TileDataset: give one of scene, scene.image, split_file and image_dir")
        self.info = info
        self.window = None if window is None else size_pair("TileDataset", window, "window")
        self.stride = self.window if stride is None else size_pair("TileDataset", stride, "stride")
        self.region = region
        self.fine_labels = fine_labels
        self.turns = tuple(turns)
        self.split = self._checked(split)
        self.with_labels = with_labels
        self.label_table = self._table()
        self.protocol = protocol or self._protocol(subset)
        super().__init__(pipeline, lazy_init)

    def _take_subset(self, info: SceneInfo, subset: str | None) -> None:
        """Files of a part of the catalogue's tiles."""
        found = [part for part in info.subsets if part.name == subset]
        if not found:
            names = ", ".join(part.name for part in info.subsets)
            raise ConfigError(f"TileDataset: subset={subset!r} is unknown for {info.title}, expected one of {names}")
        part = found[0]
        self.split_file, self.image_dir, self.label_dir = part.split_file, part.image_dir, part.label_dir
        self.suffix, self.listed_as = part.suffix, part.listed_as

    def _checked(self, split: TileSplit | dict | None) -> TileSplit | None:
        """The split, which the windows must not undo."""
        if split is None:
            return None
        if isinstance(split, dict):
            try:
                split = TileSplit(**split)
            except TypeError as error:
                raise ConfigError(
                    f"TileDataset: split={split} given, expected part='train' or 'test', train_share, seed"
                ) from error
        if self.window and self.stride and (self.stride[0] < self.window[0] or self.stride[1] < self.window[1]):
            raise ConfigError(
                f"TileDataset: windows of {self.window} every {self.stride} pixels overlap, so that a split of them "
                "would put test pixels into training tiles; use stride >= window"
            )
        return split

    def _protocol(self, subset: str | None) -> str:
        """One line about where the tiles come from."""
        source = self.split_file or self.image_dir or self.info.image
        line = f"{self.info.title}, {subset} tiles" if subset else f"tiles of {source}"
        if self.region is not None:
            row, column, height, width = self.region
            line += f", rows {row} to {row + height - 1} and columns {column} to {column + width - 1}"
        if self.split is not None:
            line += f", {100 * self.split.train_share:.0f} % of the tiles for training, seed {self.split.seed}"
            line += f", {self.split.part} part"
        return line

    def _files(self) -> list[tuple[Path, Path | None]]:
        """(image, label map) of every file."""
        if self.info.image:
            return [(self.root / self.info.image, self.root / self.info.labels if self.info.labels else None)]
        return list_tiles(
            self.root, self.split_file, self.image_dir, self.label_dir, self.suffix, self.with_labels, self.listed_as
        )

    def load_data_list(self) -> list[dict]:
        """List the tiles, check that every file is there, and read their headers."""
        info, files = self.info, self._files()
        if self.with_labels and not all(mask for _, mask in files):
            raise ConfigError("TileDataset: label_dir (or scene.labels) is needed for labels, or with_labels=False")
        for pair in files:
            for path in pair if self.with_labels else pair[:1]:
                if not os.path.isfile(str(path)):  # noqa: PTH113, Path raises where a name is too long
                    raise DataError(f"{path}: no such file, listed in {self.split_file or self.image_dir or 'image'}")
        images, options = [image for image, _ in files], info.image_options.under(self.root)
        declared = info.wavelengths is not None
        # Published tiles of one size may be half a million files: the first is opened now, each other where it is read,
        # which checks its number of bands.
        alike = self.is_published and info.shape is not None and self.window is None and self.region is None
        opened = images[:1] if alike else images
        headers = read_headers(opened, info.image_key, info.image_axes, info.bad_bands, declared, options)
        headers, header = headers * (len(images) if alike else 1), headers[0]
        bands = choose_bands(header, info.bad_bands)
        if self.with_labels:
            self._take_drawn([mask for _, mask in files if mask is not None], header)
        common: dict[str, object] = dict(img_key=info.image_key, img_axes=info.image_axes, img_options=options)
        common.update(bands=bands, file_bands=header.shape[2])
        common.update(label_scale=info.label_scale, label_majority=info.label_majority, fine_labels=self.fine_labels)
        if self.with_labels:
            common.update(seg_map_key=info.labels_key, seg_map_axes=info.labels_axes)
            common.update(label_fields=label_fields(self.info))
        entries = []
        for (image, mask), own in zip(files, headers, strict=True):
            entries.append(dict(common, img_path=str(image), tile_shape=own.shape[:2]))
            if self.with_labels:
                entries[-1].update(seg_map_path=str(mask))
            self._check_region(entries[-1])
        entries = self._spread(entries)
        sample = entries[:: -(-len(entries) // STATISTICS_TILES) or 1]
        self.value_steps = fit_channels("TileDataset", self.pipeline.transforms, self.value_steps, sample)
        self._spec = self._describe(header, bands, shared_origin(headers))
        return entries

    def _take_drawn(self, masks: list[Path], header: CubeInfo) -> None:
        """Classes of a vector file that names them itself."""
        drawn = [mask for mask in masks if is_vector(mask)]
        if not drawn:
            return
        if self.fine_labels:
            raise ConfigError(f"TileDataset: fine_labels=True given, but {drawn[0]} is drawn on the cube's own pixels")
        if len(masks) > 1 and not self.info.classes:
            raise ConfigError(f"TileDataset: scene=dict(classes=[…]) is needed, for {len(masks)} files name classes")
        if len(masks) == 1:
            found = draw_tile(masks[0], Grid.of(header), label_fields(self.info))
            ignored = tuple(label for label in self.info.ignore_ids if label not in found.label_ids)
            self.info = replace(self.info, classes=found.classes, label_ids=found.label_ids, ignore_ids=ignored)
            self.label_table = self._table()

    def _table(self) -> LabelTable:
        """From ids to classes."""
        info = self.info
        return LabelTable(info.label_ids, info.classes, info.ignore_ids, info.ignore_others, info.same_ids)

    def _describe(self, header: CubeInfo, bands: list[int], values: str) -> InputSpec:
        """What a model trained on this is given."""
        centres = band_centres(self.info.wavelengths, header)
        centres = None if centres is None else centres[bands]
        count, seen = model_bands("TileDataset", self.value_steps, header, bands, centres)
        return InputSpec(
            **class_facts(self.info),
            protocol=self.protocol,
            window=self.window or header.shape[:2],
            bands=tuple(bands),
            file_bands=header.shape[2],
            values=values,
            wavelengths=nanometres(centres),
            transforms=tuple(step.config for step in self.value_steps),
            num_bands=count,
            model_wavelengths=nanometres(seen),
        )

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
            entries = [named[name] for name in self.split(list(named))]
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
                f"{self.root}: no tile has a pixel with data in every used band; name the empty bands in "
                "scene=dict(bad_bands=[…])"
            )
        return statistics

    def label_counts(self) -> np.ndarray:
        """Labelled pixels of every class over all tiles or windows of the list, shape (K,), int64; reads labels alone.

        Raises:
            ConfigError: If the data set was made without labels.
        """
        self.full_init()
        counts = np.zeros(self.spec.num_classes, np.int64)
        for index in watched(range(len(self)), "counting labels"):
            entry = self.get_data_info(index)
            if "seg_map_path" not in entry:
                raise ConfigError(f"{self.root}: the tiles have no labels (with_labels=False)")
            classes = read_classes(entry)
            counts += np.bincount(classes[classes != IGNORE_INDEX], minlength=len(counts))
        return counts
