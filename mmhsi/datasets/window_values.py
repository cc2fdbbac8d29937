"""Windows in files of their own, such as fields or plots, with a value of each target for the whole window."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from mmhsi.arguments import size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import existing_file, reading
from mmhsi.io.masked_npz import read_masked_npz
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.wavelengths import check_nanometres
from mmhsi.registry import DATASETS
from mmhsi.spec import InputSpec

from .bands import nanometres
from .replay import Replay
from .splits import Split, SplitRule, apply_split
from .statistics import BandStatistics, cube_statistics
from .targets import target_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmhsi.io import HSICube

    from .transforms.scope import Transform

SUBSETS = ("train", "test", "labeled")


@DATASETS.register_module()
class WindowValueDataset(Dataset):
    """A folder of windows and a table of their values, as Hyperview's soil parameters are published.

    Args:
        table: CSV file with a head line: a column that names the windows and one for each target.
        image_dir: Folder of the windows: ``NAME.npz`` with a masked array
            (:func:`mmhsi.io.masked_npz.read_masked_npz`), or any other file that mmhsi reads.
        targets: Columns of the values; an empty cell is an unknown value.
        units: Their units, as UDUNITS spells them. Default: pure numbers.
        data_root: Folder that the paths are relative to. Default ``data``.
        name_field: Column of the names; numbers need no leading zeros. Default ``sample_index``.
        suffix: Of the files. Default ``.npz``.
        image_key: Variable of ``.mat`` and HDF5 files.
        image_axes: Axes of the arrays. Default ``"band y x"``.
        wavelengths: Centres of the bands in nm, or a CSV file whose last column holds them. Default: unknown.
        window: Side of what a model is given, or (height, width), in pixels, cut from the middle; what lies beyond a
            smaller window counts as without data. 1 is the mean over all pixels that hold data. Default 1.
        subset: ``'train'`` or ``'test'`` windows of ``split``, or ``'labeled'``, all. Default ``'train'``.
        split: Rule by which the windows are told apart, of which all are of one class, such as
            ``dict(type='FractionSplit', fraction=0.8)``.
        transforms: Transforms of scope ``'pixel'`` or their configs, applied to the pixels before they are averaged.
        title: What the data are called. Default: the table's name.

    Attributes:
        windows: (N, h, w, C), all windows of the table.
        valid: bool, (N, h, w).
        values: float32, (N, T), NaN where unknown.

    Raises:
        ConfigError: If a key has a value that cannot work.
        DataError: If files are missing, damaged, or do not fit each other.
    """

    def __init__(
        self,
        table: str,
        image_dir: str,
        targets: Sequence[str],
        units: Sequence[str] = (),
        data_root: str | Path = "data",
        name_field: str = "sample_index",
        suffix: str = ".npz",
        image_key: str | None = None,
        image_axes: str | None = "band y x",
        wavelengths: Sequence[float] | str | None = None,
        window: int | tuple[int, int] = 1,
        subset: str = "train",
        split: Split | SplitRule | dict | None = None,
        transforms: Sequence[dict | Transform] = (),
        title: str | None = None,
    ) -> None:
        if subset not in SUBSETS:
            raise ConfigError(f"WindowValueDataset: subset={subset!r} is unknown, expected one of {', '.join(SUBSETS)}")
        if (subset == "labeled") != (split is None):
            raise ConfigError(f"WindowValueDataset: subset={subset!r} {'needs' if split is None else 'takes no'} split")
        if units and len(units) != len(targets):
            raise ConfigError(f"WindowValueDataset: {len(units)} units for {len(targets)} targets")
        root = Path(data_root)
        self.window = size_pair("WindowValueDataset", window, "window")
        self.subset = subset
        self.names, self.values = read_table(root / table, name_field, targets)
        files = [root / image_dir / f"{name}{suffix}" for name in self.names]
        replay = Replay(transforms, "WindowValueDataset")
        if replay.margin:
            raise ConfigError("WindowValueDataset: transforms that look at neighbours take whole scenes")
        centres = _centres(root, wavelengths)
        parts = [self._part(_read(path, image_key, image_axes), replay, centres) for path in files]
        counts = {part[0].shape[2] for part in parts}
        if len(counts) > 1:
            raise DataError(
                f"{root / image_dir}: windows have {min(counts)} to {max(counts)} bands, expected one number"
            )
        self.windows = np.stack([part[0] for part in parts])
        self.valid = np.stack([part[1] for part in parts])
        bands, (_, _, file_bands, seen) = self.windows.shape[3], parts[0]
        self.split: Split | None = None
        protocol, chosen = "all windows", np.arange(len(files))
        if split is not None:
            self.split = apply_split(split, np.zeros((len(files), 1), dtype=np.int64), ["windows"])
            protocol = self.split.protocol.replace("pixels", "windows")
            chosen = self.split.train if subset == "train" else self.split.test
        self.chosen = chosen
        trained = chosen if self.split is None else self.split.train
        title = title or Path(table).stem
        self._trained = trained
        self.spec = InputSpec(
            classes=(),
            scene=title,
            protocol=protocol,
            window=self.window,
            bands=tuple(range(file_bands)),
            file_bands=file_bands,
            num_bands=bands,
            wavelengths=centres,
            transforms=replay.transforms,
            model_wavelengths=seen,
            targets=target_facts(self.values[trained], targets, units, title),
        )

    def _part(
        self, cube: HSICube, replay: Replay, centres: tuple[float, ...] | None
    ) -> tuple[NDArray, NDArray[np.bool_], int, tuple[float, ...] | None]:
        """A window (h, w, C), which of its pixels hold data, the file's bands, and the centres after the transforms."""
        file_bands = cube.data.shape[2]
        if centres is not None:
            if len(centres) != file_bands:
                raise DataError(f"{cube.name}: {file_bands} bands, but {len(centres)} wavelengths are given")
            cube.wavelengths = np.array(centres)
        valid = cube.valid()
        if not valid.any():
            raise DataError(f"{cube.name}: no pixel holds data")
        made = replay(cube, valid) if replay.steps else cube
        data, seen = made.data, nanometres(made.wavelengths)
        if self.window == (1, 1):
            mean = data[valid].mean(axis=0, dtype=np.float64).astype(np.float32)
            return mean[None, None], np.ones((1, 1), dtype=bool), file_bands, seen
        (height, width), (h, w) = valid.shape, self.window
        window = np.zeros((h, w, data.shape[2]), dtype=data.dtype)
        inside = np.zeros((h, w), dtype=bool)
        top, left = (height - h) // 2, (width - w) // 2
        rows, columns = slice(max(0, top), top + h), slice(max(0, left), left + w)
        part, held = data[rows, columns], valid[rows, columns]
        into = np.s_[max(0, -top) : max(0, -top) + part.shape[0], max(0, -left) : max(0, -left) + part.shape[1]]
        window[into], inside[into] = part, held
        if not inside.any():
            raise DataError(f"{cube.name}: none of its middle {h} x {w} pixels holds data; take a larger window")
        return window, inside, file_bands, seen

    @property
    def metainfo(self) -> dict:
        """:attr:`spec` as plain data, which mmengine puts into checkpoints and gives to metrics and visualizers."""
        return self.spec.to_meta()

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band over the valid pixels of the training windows."""
        data, valid = self.windows[self._trained], self.valid[self._trained]
        return cube_statistics(data.reshape(len(data), -1, data.shape[3]), valid.reshape(len(valid), -1))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> dict:
        """One window.

        Args:
            index: Sample.

        Returns:
            ``window``, tensor (h, w, C); ``valid``, bool (h, w); ``value``, float32 (T,), NaN where unknown; ``group``,
            the window's number.
        """
        place = int(self.chosen[index])
        return dict(
            window=torch.from_numpy(self.windows[place]),
            valid=torch.from_numpy(self.valid[place]),
            value=torch.from_numpy(self.values[place]),
            group=place,
        )


def read_table(path: Path, name_field: str, targets: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
    """Names and values of a table.

    Args:
        path: CSV file with a head line.
        name_field: Column of the names.
        targets: Columns of the values.

    Returns:
        N names, and float32 (N, T), NaN where a cell is empty.

    Raises:
        FileFormatError: It is missing or no text.
        DataError: A column is missing, a line has another number of cells, one of them holds no number, or a name
            stands twice.
    """
    existing_file(path, "a CSV table of values")
    with reading(path, "not a readable table of values"), path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
        head = list(rows[0]) if rows else []
    for column in (name_field, *targets):
        if column not in head:
            raise DataError(f"{path}: has no column {column!r}, it has {', '.join(map(str, head))[:200] or 'no rows'}")
    names = [str(row[name_field]).strip() for row in rows]
    if len(set(names)) < len(names):
        raise DataError(f"{path}: {max(names, key=names.count)!r} stands twice in {name_field}")
    wrong = next((name for name in names if not name or Path(name).name != name), None)
    if wrong is not None:
        raise DataError(f"{path}: {wrong!r} in {name_field} is no name of a file")
    values = np.full((len(rows), len(targets)), np.nan, dtype=np.float32)
    for line, row in enumerate(rows):
        if None in row or None in row.values():
            raise DataError(f"{path}: line {line + 2}: another number of cells than the head line")
        for index, target in enumerate(targets):
            cell = row[target].strip()
            try:
                values[line, index] = float(cell) if cell else np.nan
            except ValueError:
                raise DataError(f"{path}: line {line + 2}: {target}={cell!r} is no number") from None
            if np.isinf(values[line, index]):
                raise DataError(f"{path}: line {line + 2}: {target}={cell}, expected a finite number")
    return names, values


def _centres(root: Path, wavelengths: Sequence[float] | str | None) -> tuple[float, ...] | None:
    """Centres of the bands, in nm, as they are given or as a file has them."""
    if wavelengths is None:
        return None
    if not isinstance(wavelengths, str):
        return check_nanometres("WindowValueDataset", "wavelengths", wavelengths)
    path = root / wavelengths
    existing_file(path, "a CSV table of wavelengths")
    found: list[float] = []
    with reading(path, "not a readable table of wavelengths"), path.open(newline="", encoding="utf-8-sig") as stream:
        for number, row in enumerate(csv.reader(stream)):
            try:
                found.append(float(row[-1]))
            except (ValueError, IndexError):
                if number:  # beside the head line
                    raise DataError(f"{path}: line {number + 1} ends in no wavelength") from None
    return check_nanometres(str(path), "its last column", found)


def _read(path: Path, key: str | None, axes: str | None) -> HSICube:
    """A window of a file."""
    if path.suffix.lower() == ".npz":
        return read_masked_npz(path, axes or "band y x")
    with open_reader(path, key, 3, axes) as reader:
        return reader.read()
