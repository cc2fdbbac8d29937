"""A scene to learn from: whole in memory where it is small, read in rows where it is not."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.datasets.bands import band_centres, choose_bands, nanometres
from mmhsi.datasets.catalogue import scene_info
from mmhsi.datasets.class_facts import class_facts
from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.datasets.mirroring import mirrored
from mmhsi.datasets.noise import noisy_bands
from mmhsi.datasets.replay import Replay
from mmhsi.datasets.scene import labels_on_grid, open_second
from mmhsi.datasets.statistics import BandStatistics, cube_statistics, require_data
from mmhsi.errors import DataError, counted
from mmhsi.io import HSICube
from mmhsi.io.placement import Grid
from mmhsi.io.readers.opening import open_reader
from mmhsi.spec import InputSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from mmhsi.datasets.transforms.scene_channels import SceneChannels, SceneParts

WHOLE = 1 << 29
"""Values, pixels times bands and channels, up to which a scene is kept in memory: 2 GiB of them."""

CHANNELS = 256
"""Channels that are counted for a pixel before they are known."""

SAMPLED = 1 << 18
"""Pixels of a larger scene to which its channels are fitted: bands of rows, evenly spread."""

ROWS = 64
"""Rows of such a band, and those that are read at a time."""

PROBE = 64
"""Side in pixels of the part of a scene on which channels are timed."""


class SceneSource:
    """Pixels of one scene with some labels, behind transforms that are fitted to it.

    Of a scene of up to :data:`WHOLE` values everything is read once. Of a larger one evenly spread bands of rows are
    read to fit the channels, and the bands of rows that hold labels to learn from; memory holds the labels, those rows
    and what is asked for.

    Args:
        described: Fields of :class:`mmhsi.datasets.SceneInfo`.
        second: Whether there is a second source.

    Attributes:
        info: What is known of the scene, with the classes that its labels have.
        shape: (H, W).
        cube: A part of the scene, for tests of its bands; the whole where it is in memory.
        valid: Pixels that hold data, bool (H, W); of a larger scene, those of the sampled rows.
        labels: Class of every pixel, (H, W), 255 for none.
        polygons: Polygon of every pixel from 1, (H, W), or None.
        empty: Bands of the file that hold no data and are left out, unless no other is left.
        labels_without_data: Labels on pixels that hold none, which are not used.
        noisy: Bands of the file that a test of noise doubts.
        whole: Whether the scene is in memory.

    Raises:
        ConfigError: If no band is left, or wavelengths do not fit.
        DataError: If a file is missing or damaged, or the sources do not fit each other.
    """

    def __init__(self, described: Mapping[str, object], second: bool = False) -> None:
        info = scene_info(described)
        self._opened = ExitStack()
        with self._opened:
            options = info.image_options.under(Path())
            self.reader = self._opened.enter_context(
                open_reader(Path(info.image), info.image_key, 3, info.image_axes, options)
            )
            header = self.reader.info
            self.bands = choose_bands(header, info.bad_bands)
            centres = band_centres(info.wavelengths, header)
            self.wavelengths = None if centres is None else centres[self.bands]
            self.shape: tuple[int, int] = header.shape[0], header.shape[1]
            self.second, self.scale = None, 1
            if second:
                path, self.scale = Path(str(info.second_image)), info.second_scale
                self.second = self._opened.enter_context(
                    open_second(path, info.second_key, header, self.scale, info.second_axes)
                )
            height, width = self.shape
            self.whole = height * width * (len(self.bands) + CHANNELS) <= WHOLE
            self.sampled = [(0, height)] if self.whole else spread_rows(height, width)
            parts = self._sample()
            self.empty = [self.bands[index] for index in self.cube.empty_bands()]
            if 0 < len(self.empty) < len(self.bands):
                kept = [index for index, band in enumerate(self.bands) if band not in self.empty]
                self.bands = [self.bands[index] for index in kept]
                self.wavelengths = None if self.wavelengths is None else self.wavelengths[kept]
                parts = self._sample()
            require_data(self.cube)
            self.noisy = [self.bands[band] for band in noisy_bands(parts[len(parts) // 2][0])]
            self.tiles: list[SceneParts] = [(cube.data, valid, finer, self.scale) for cube, valid, finer in parts]
            self.valid = np.zeros(self.shape, dtype=bool)
            for (first, last), (_, valid, _) in zip(self.sampled, parts, strict=True):
                self.valid[first:last] = valid
            labels = labels_on_grid(info, Path(), Grid.of(header), np.ones(self.shape, dtype=bool))
            self.info, self.kept, self.labels, self.polygons = labels.info, labels.kept, labels.labels, labels.polygons
            self.labels_without_data = self._drop_labels_without_data()
            left = len(np.unique(self.labels[self.labels != IGNORE_INDEX]))
            if left < 2:
                lie = counted(self.labels_without_data, "label lies", "labels lie")
                why = f"{lie} on pixels without data, which leaves" if self.labels_without_data else "holds"
                raise DataError(f"{info.labels}: {why} {counted(left, 'class', 'classes')}; expected at least 2")
            self._opened = self._opened.pop_all()
        self._scene: NDArray[np.float32] | None = None

    def __enter__(self) -> SceneSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Flat indices of the labelled pixels, (n,)."""
        return np.flatnonzero(self.labels.ravel() != IGNORE_INDEX)

    @property
    def mapped(self) -> float:
        """Pixels that hold data and are classified; of a larger scene, foretold from the sampled rows."""
        return float(self.valid.sum()) * self.shape[0] / sum(last - first for first, last in self.sampled)

    def channel_seconds(self, groups: Sequence[str]) -> float:
        """Seconds that one pixel's channels take, timed on a part of the scene.

        Args:
            groups: Families of channels.
        """
        image, valid, finer, s = max(self.tiles, key=lambda tile: int(tile[1].sum()))
        best = np.unravel_index(int(valid.argmax()), valid.shape)
        top, left = (
            int(min(max(0, place - PROBE // 4), max(0, side - PROBE)))
            for place, side in zip(best, valid.shape, strict=True)
        )
        rows, columns = slice(top, top + PROBE), slice(left, left + PROBE)
        fine = slice(top * s, (top + PROBE) * s), slice(left * s, (left + PROBE) * s)
        part = image[rows, columns], valid[rows, columns], None if finer is None else finer[fine], s
        if part[1].sum() < 64:  # too little to fit anything to
            return 0.0
        channels = _channels(Replay([dict(type="SceneChannels", groups=list(groups))], "classify"))
        channels.fit([part])
        begin = time.monotonic()
        beside = {} if finer is None else dict(second=part[2], second_scale=s)
        channels.transform(dict(img=part[0], valid=part[1], **beside))
        return (time.monotonic() - begin) / part[1].size

    def fit(self, groups: Sequence[str]) -> None:
        """Fit channels, and make those of all pixels where the scene is in memory.

        Args:
            groups: Families of channels.

        Raises:
            DataError: If too few pixels hold data.
        """
        channels = _channels(Replay([dict(type="SceneChannels", groups=list(groups))], "classify"))
        channels.fit(self.tiles)
        self.replay = Replay([dict(type="SceneChannels", **channels.fitted({}))], "classify")
        self._scene = None
        if self.whole:
            _, valid, finer, s = self.tiles[0]
            self._scene = self.replay(self.cube, valid, finer, s).data
        self.tiles = []  # not needed any more
        self.num_channels = self.take(self.pixels[:1])[0].shape[-1]

    def statistics(self) -> BandStatistics:
        """Mean and deviation of the channels over the scene, or over the sampled rows of a large one."""
        if self._scene is not None:
            return cube_statistics(self._scene, self.valid)
        found = BandStatistics(self.num_channels)
        for first, last in self.sampled:
            made, valid = self._channels_of(first, last)
            found.update(made[valid])
        return found

    def take(
        self, pixels: NDArray[np.int64], window: int = 1, columns: slice = slice(None)
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Channels of windows around pixels, borders mirrored.

        Args:
            pixels: Flat indices, (n,).
            window: Side w of a window in pixels.
            columns: Channels that are wanted.

        Returns:
            float32 (n, w, w, F), and which of their pixels hold data, (n, w, w).
        """
        height, width = self.shape
        places = np.stack(np.divmod(pixels, width), axis=1)
        before = window // 2
        values: NDArray[np.float32] | None = None
        valid = np.zeros((len(pixels), window, window), dtype=bool)
        for first, last, made, mask in self._blocks(places[:, 0], before, window - 1 - before):
            chosen = np.flatnonzero((places[:, 0] >= first) & (places[:, 0] < last))
            low = max(0, first - before)
            for index in chosen:
                row, column = places[index] - before
                rows = mirrored(row, row + window, height) - low
                cut = rows[:, None], mirrored(column, column + window, width)
                window_values = made[cut][..., columns]
                if values is None:
                    values = np.zeros((len(pixels), window, window, window_values.shape[-1]), dtype=np.float32)
                values[index], valid[index] = window_values, mask[cut]
        assert values is not None or not len(pixels)
        return (np.zeros((0, window, window, 0), np.float32) if values is None else values), valid

    def spectra(self, pixels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Values of pixels in the bands in use, in the file's units, NaN where there are none; (n, C).

        Args:
            pixels: Flat indices, (n,).
        """
        rows, columns = np.divmod(pixels, self.shape[1])
        found = np.full((len(pixels), len(self.bands)), np.nan, dtype=np.float32)
        for first in np.unique(rows // ROWS) * ROWS:
            last, chosen = min(first + ROWS, self.shape[0]), rows // ROWS == first // ROWS
            part = self.cube if self.whole else self._read(int(first), int(last))[0]
            found[chosen] = part.data[rows[chosen] - (0 if self.whole else first), columns[chosen]]
        return found

    def spec(self, protocol: str, window: int) -> InputSpec:
        """What a model that is trained on the scene is given.

        Args:
            protocol: One line about the training pixels.
            window: Side of its windows.
        """
        return InputSpec(
            **class_facts(self.info, self.kept),
            protocol=protocol,
            window=(window, window),
            bands=tuple(self.bands),
            file_bands=self.reader.info.shape[2],
            values=self.reader.info.values,
            wavelengths=nanometres(self.wavelengths),
            transforms=self.replay.transforms,
            num_bands=self.num_channels,
            second_bands=None if self.second is None else self.second.info.shape[2],
            second_scale=None if self.second is None else self.scale,
            second_in_transforms=self.replay.takes_second,
        )

    def _blocks(
        self, rows: NDArray[np.int64], before: int, after: int
    ) -> Iterator[tuple[int, int, NDArray[np.float32], NDArray[np.bool_]]]:
        """First and last row of blocks that hold some of ``rows``, and channels of them with rows before and after."""
        if self._scene is not None:
            yield 0, self.shape[0], self._scene, self.valid
            return
        for first in (int(index) * ROWS for index in np.unique(rows // ROWS)):
            last = min(first + ROWS, self.shape[0])
            yield first, last, *self._channels_of(max(0, first - before), min(self.shape[0], last + after))

    def _channels_of(self, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Channels of rows, which are read with the margin that they depend on."""
        margin = self.replay.margin
        low, high = max(0, first - margin), min(self.shape[0], last + margin)
        cube, valid, finer = self._read(low, high)
        made = self.replay(cube, valid, finer, self.scale).data[first - low : last - low]
        return made, valid[first - low : last - low]

    def _sample(self) -> list[tuple[HSICube, NDArray[np.bool_], NDArray | None]]:
        """Read the rows that are looked at first."""
        parts = [self._read(*rows) for rows in self.sampled]
        self.cube = parts[0][0] if self.whole else _stacked([cube for cube, *_ in parts])
        return parts

    def _read(self, first: int, last: int) -> tuple[HSICube, NDArray[np.bool_], NDArray | None]:
        """Rows of the scene, which of their pixels hold data, and the second source of the same ground."""
        rows, width, s = last - first, self.shape[1], self.scale
        cube = self.reader.read((first, 0, rows, width), self.bands)
        if self.wavelengths is not None:
            cube.wavelengths = self.wavelengths
        valid = cube.valid()
        if self.second is None:
            return cube, valid, None
        finer = self.second.read((first * s, 0, rows * s, width * s))
        return cube, valid & finer.valid().reshape(rows, s, width, s).all(axis=(1, 3)), finer.data

    def _drop_labels_without_data(self) -> int:
        """Take the labels away from pixels without data; how many they are."""
        labelled, dropped = (self.labels != IGNORE_INDEX).any(axis=1), 0
        for first in (int(block) * ROWS for block in np.unique(np.flatnonzero(labelled) // ROWS)):
            rows = slice(first, min(first + ROWS, self.shape[0]))
            empty = ~(self.valid[rows] if self.whole else self._read(rows.start, rows.stop)[1])
            dropped += int((empty & (self.labels[rows] != IGNORE_INDEX)).sum())
            self.labels[rows][empty] = IGNORE_INDEX
        return dropped


def spread_rows(height: int, width: int) -> list[tuple[int, int]]:
    """First and last rows of evenly spread bands of rows, of :data:`SAMPLED` pixels in all.

    Args:
        height: Rows of the scene.
        width: Its columns.
    """
    rows = max(1, min(ROWS, SAMPLED // width))
    count = max(1, min(height // rows, SAMPLED // (rows * width)))
    firsts = np.linspace(0, height - rows, count).round().astype(int)
    return [(int(first), int(first) + rows) for first in firsts]


def _stacked(cubes: Sequence[HSICube]) -> HSICube:
    """Rows of several parts as one cube."""
    first = cubes[0]
    return HSICube(
        np.concatenate([cube.data for cube in cubes]),
        first.wavelengths,
        first.fwhm,
        nodata=first.nodata,
        name=first.name,
    )


def _channels(replay: Replay) -> SceneChannels:
    made: Any = replay.steps[0].transform
    channels: SceneChannels = made
    return channels
