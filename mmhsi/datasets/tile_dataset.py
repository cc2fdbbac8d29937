"""Pairs of image and label files for semantic segmentation."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.dataset import BaseDataset

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import open_cube
from mmhsi.registry import DATASETS

from .bands import choose_bands
from .catalogue import RGB
from .labels import LabelTable
from .samplers import seed_everything
from .statistics import BandStatistics


@DATASETS.register_module()
class TileDataset(BaseDataset):
    """Tiles listed in a csv file, or all that lie in a folder.

    Args:
        data_root: Folder that every path is relative to.
        split_file: csv with a column ``image`` and, for labelled tiles, ``mask``; None to take the folders.
        image_dir: Without ``split_file``: folder of the images.
        label_dir: Without ``split_file``: folder of the label maps, which have their image's file name.
        suffix: File suffix in ``image_dir``. Default ``'.tif'``.
        classes: Class names.
        label_ids: Id of each class in the label maps.
        ignore_ids: Ids that mean "no label". Default: 0 alone.
        palette: RGB colour of each class.
        bad_bands: 0-based bands to leave out beside those that the files flag bad.
        with_labels: Whether label maps are read; False for pretraining. Default True.
        protocol: One line about the split, printed beside results.
        pipeline: Transforms.
        test_mode: mmengine's flag: an unreadable sample is an error at once.
        lazy_init: mmengine's flag.

    Raises:
        ConfigError: If a key is missing or contradicts another.
        DataError: If a listed file is missing or the tiles differ in their bands.
    """

    def __init__(
        self,
        data_root: str = "",
        split_file: str | None = None,
        image_dir: str | None = None,
        label_dir: str | None = None,
        suffix: str = ".tif",
        classes: Sequence[str] = (),
        label_ids: Sequence[int] = (),
        ignore_ids: Sequence[int] = (0,),
        palette: Sequence[RGB] | None = None,
        bad_bands: Sequence[int] | None = None,
        with_labels: bool = True,
        protocol: str = "",
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if (split_file is None) == (image_dir is None):
            raise ConfigError("TileDataset: give either split_file or image_dir")
        self.root = Path(data_root)
        self.split_file = split_file
        self.image_dir = image_dir
        self.label_dir = label_dir
        self.suffix = suffix
        self.bad_bands = bad_bands
        self.with_labels = with_labels
        self.label_table = LabelTable(label_ids, classes, ignore_ids)
        super().__init__(
            metainfo=dict(
                classes=list(classes),
                label_ids=list(label_ids),
                ignore_ids=list(ignore_ids),
                palette=None if palette is None else [list(colour) for colour in palette],
                protocol=protocol or f"tiles of {split_file or image_dir}",
            ),
            pipeline=list(pipeline),
            test_mode=True,  # never replace an unreadable sample by another one in silence
            lazy_init=lazy_init,
        )

    def _pairs(self) -> list[tuple[str, str | None]]:
        """(image, label map) relative to the root."""
        if self.split_file is not None:
            path = self.root / self.split_file
            if not path.is_file():
                raise DataError(f"split file {path}: no such file")
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
            needed = {"image", "mask"} if self.with_labels else {"image"}
            if not rows or not needed <= set(rows[0]):
                raise DataError(
                    f"split file {path}: expected a header with {', '.join(sorted(needed))}, then one tile a line"
                )
            return [(row["image"], row.get("mask")) for row in rows]
        folder = self.root / str(self.image_dir)
        names = sorted(path.name for path in folder.glob(f"*{self.suffix}"))
        if not names:
            raise DataError(f"{folder}: holds no file *{self.suffix}")
        return [
            (f"{self.image_dir}/{name}", None if self.label_dir is None else f"{self.label_dir}/{name}")
            for name in names
        ]

    def load_data_list(self) -> list[dict]:
        """List the tiles and check that every file is there and that their bands agree."""
        listed: list[dict] = []
        for image, mask in self._pairs():
            entry: dict = dict(img_path=str(self.root / image))
            if self.with_labels:
                if mask is None:
                    raise ConfigError("TileDataset: label_dir is needed for labels, or with_labels=False")
                entry["seg_map_path"] = str(self.root / mask)
            for path in entry.values():
                if not Path(path).is_file():
                    raise DataError(f"{path}: no such file, listed in {self.split_file or self.image_dir}")
            listed.append(entry)
        # One header decides which bands are read; the loader refuses tiles that have another number.
        with open_cube(listed[0]["img_path"]) as reader:
            info = reader.info
        bands = choose_bands(info, self.bad_bands)
        self._metainfo.update(
            bands=bands,
            file_bands=info.shape[2],
            tile_size=list(info.shape[:2]),
            wavelengths=None if info.wavelengths is None else [float(info.wavelengths[band]) for band in bands],
        )
        for entry in listed:
            entry.update(bands=bands, file_bands=info.shape[2])
        return listed

    def get_data_info(self, idx: int) -> dict:
        """Entry of a tile, with the label table that its loader needs."""
        return {**super().get_data_info(idx), "label_table": self.label_table}

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline, its randomness seeded by the index where the sampler seeds it."""
        seed = getattr(idx, "seed", None)
        if seed is not None:
            seed_everything(seed)
        return super().prepare_data(idx)

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band over the valid pixels of all tiles, read one at a time."""
        self.full_init()
        bands = self._metainfo["bands"]
        statistics = BandStatistics(len(bands))
        for index in range(len(self)):
            with open_cube(super().get_data_info(index)["img_path"]) as reader:
                cube = reader.read(bands=bands)
            statistics.update(cube.data[cube.valid()])
        if statistics.count == 0:
            raise DataError(
                f"{self.root}: no tile has a pixel with data in every used band; name the empty bands in bad_bands=[…]"
            )
        return statistics
