"""Tiles with values of every pixel, or of some."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.placement import Grid
from mmhsi.io.readers.opening import open_reader
from mmhsi.registry import DATASETS

from .grid_values import GridValues, read_values
from .targets import target_facts
from .tile_dataset import TileDataset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mmhsi.io import CubeInfo
    from mmhsi.spec import InputSpec

FACTS_TILES = 512
"""Tiles that means and standard deviations of the targets are taken from."""


@DATASETS.register_module()
class TileValueDataset(TileDataset):
    """Tiles, or windows of one big scene, with the values that a model is to predict in their pixels.

    Arguments are those of :class:`TileDataset`: of one scene ``scene`` names ``values`` and ``targets`` in place of
    labels and classes, as for :class:`SceneValueDataset`; of a list of tiles the files that take the place of label
    maps (the column ``mask``, or ``label_dir``) hold the values, and ``scene=dict(targets=[…], units=[…])`` names them.
    A sample has ``gt_values`` (H, W, T) float32, NaN where unknown; of transforms of the geometry the turns, flips and
    crops move it.
    """

    _whole: GridValues | None = None

    def _files(self) -> list[tuple[Path, Path | None]]:
        """(image, values) of every file."""
        files = super()._files()
        if self.info.image:
            return [(image, self.root / self.info.values if self.info.values else None) for image, _ in files]
        return files

    def _take_drawn(self, masks: list[Path], header: CubeInfo) -> None:
        """Nothing: a vector file holds numbers, no classes."""

    def load_data_list(self) -> list[dict]:
        """As the base, and what is known of the targets over at most 512 of the tiles, over all if need be."""
        entries = super().load_data_list()
        if self.with_labels and self._spec is not None:
            step = -(-len(entries) // FACTS_TILES)
            known = self._rows(entries[::step])
            if not np.isfinite(known).any(axis=0).all():  # a target that few tiles have
                known = self._rows(entries)
            facts = target_facts(known, self.info.targets, self.info.units, self.info.title)
            self._spec = replace(self._spec, targets=facts)
        return entries

    def _describe(self, header: CubeInfo, bands: list[int], values: str) -> InputSpec:
        """The base's, without classes."""
        return replace(super()._describe(header, bands, values), classes=(), label_ids=(), ignore_ids=(), palette=None)

    def _rows(self, entries: list[dict]) -> NDArray[np.float32]:
        """Values (n, T) of all pixels of entries."""
        found = [self._values(entry) for entry in entries]
        return np.concatenate([values.reshape(-1, values.shape[2]) for values in found])

    def _values(self, entry: dict) -> NDArray[np.float32]:
        """Values (H, W, T) of an entry, turned as its image is."""
        found = self._whole
        if found is None:
            with open_reader(
                entry["img_path"], entry["img_key"], 3, entry["img_axes"], self.info.image_options.under(self.root)
            ) as cube:
                info = replace(self.info, values=entry["seg_map_path"])
                found = read_values(info, self.root.absolute(), Grid.of(cube.info))
            if not self.info.targets:
                self.info = replace(self.info, targets=found.targets)
            if self.info.image:  # one scene, of which every tile is a window
                self._whole = found
        values = found.values
        if "window" in entry:
            row, column, height, width = entry["window"]
            values = values[row : row + height, column : column + width]
        return np.rot90(values, entry["turns"]).copy()

    def get_data_info(self, idx: int) -> dict:
        """Entry of a tile, with its values."""
        entry = super().get_data_info(idx)
        return {**entry, "gt_values": self._values(entry)} if self.with_labels else entry
