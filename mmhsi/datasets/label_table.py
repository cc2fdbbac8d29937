"""From a file's label ids to class indices, by a declared table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import NO_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IGNORE_INDEX = 255
"""Class index of pixels without a label: left out of losses and metrics."""


class LabelTable:
    """Maps label ids, contiguous or not, to class indices 0 … K−1.

    Args:
        label_ids: Id of each class in the file, in the order of ``classes``.
        classes: Class names.
        ignore_ids: Ids that mean "no label". Default: 0 alone.
        ignore_others: Whether ids that neither list names mean "no label" too. Default False: they are an error.
        same_ids: Further ids, each with that of the class that it means too.

    Raises:
        ConfigError: If names and ids differ in number, an id occurs twice, or there are more than 255 classes.
    """

    def __init__(
        self,
        label_ids: Sequence[int],
        classes: Sequence[str],
        ignore_ids: Sequence[int] = (0,),
        ignore_others: bool = False,
        same_ids: Sequence[tuple[int, int]] = (),
    ) -> None:
        if len(label_ids) != len(classes):
            raise ConfigError(f"label_ids has {len(label_ids)} entries, classes has {len(classes)}; one id a class")
        ids = [*label_ids, *ignore_ids, *(other for other, _ in same_ids)]
        lost = [own for _, own in same_ids if own not in label_ids]
        if lost:
            raise ConfigError(f"same_ids names {lost[0]} as the id of a class, which label_ids does not")
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ConfigError(f"label_ids, ignore_ids and same_ids name {twice[0]} twice")
        if len(classes) > IGNORE_INDEX:
            raise ConfigError(f"{len(classes)} classes given, at most {IGNORE_INDEX} are possible")
        self.label_ids = tuple(label_ids)
        self.classes = tuple(classes)
        self.ignore_others = ignore_others
        ids.append(NO_LABEL)
        order = np.argsort(ids)
        self._ids = np.asarray(ids)[order]
        others = [self.label_ids.index(own) for _, own in same_ids]
        indices = [*range(len(label_ids)), *[IGNORE_INDEX] * len(ignore_ids), *others, IGNORE_INDEX]
        self._indices = np.asarray(indices)[order]

    def check_names(self, stated: Mapping[int, str], source: str) -> str:
        """Compare what ids mean here with what a label map says that they mean.

        Args:
            stated: Name of each id that the file names.
            source: The file, for the message.

        Returns:
            What is doubtful, for a warning; empty where nothing is.

        Raises:
            DataError: If the file names an id by the name of another class: classes would be swapped.
        """
        names = dict(zip(self.label_ids, self.classes, strict=True))
        ours = {name.strip().casefold() for name in self.classes}
        other = {
            label: (said, names[label])
            for label, said in stated.items()
            if label in names and said.strip().casefold() != names[label].strip().casefold()
        }
        for label, (said, own) in other.items():
            if said.strip().casefold() in ours:
                order = ", ".join(f"{i}: {stated[i]}" for i in self.label_ids[:8] if i in stated)
                raise DataError(
                    f"{source}: says that id {label} is {said!r}, classes and label_ids take it for {own!r}; put them "
                    f"in the file's order ({order})"
                )
        if not other:
            return ""
        label, (said, own) = next(iter(other.items()))
        more = f", and {len(other) - 1} more" if len(other) > 1 else ""
        return f"names class {label} {said!r}, here it is {own!r}{more}; the ids count, not the names"

    def __call__(self, labels: np.ndarray, source: str) -> np.ndarray:
        """Map a label raster.

        Args:
            labels: Ids, integer, shape (H, W); :data:`mmhsi.io.NO_LABEL` where the file declares that there is none.
            source: File that they come from, for the error message.

        Returns:
            Class indices, int64, shape (H, W); :data:`IGNORE_INDEX` where there is no label.

        Raises:
            DataError: If an id stands neither in ``label_ids`` nor in ``ignore_ids``, unless others are ignored.
        """
        classes = np.empty(labels.shape, np.int64)
        for row, ids in enumerate(labels):  # a scene's places at once would be many times its labels
            position = np.searchsorted(self._ids, ids).clip(max=len(self._ids) - 1)
            known = self._ids[position] == ids
            if not known.all() and not self.ignore_others:
                unknown = np.setdiff1d(labels, self._ids)
                raise DataError(
                    f"{source}: label id {', '.join(map(str, unknown[:5]))} (first at row {row}, column "
                    f"{np.argmin(known)}) is not in the table; label_ids={list(self.label_ids)}, everything else must "
                    "stand in ignore_ids"
                )
            classes[row] = np.where(known, self._indices[position], IGNORE_INDEX)
        return classes
