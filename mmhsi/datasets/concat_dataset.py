"""Several data sets behind each other, which have to be of one kind."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING

from mmengine.dataset import ConcatDataset as MMEngineConcatDataset

from mmhsi.errors import ConfigError
from mmhsi.registry import DATASETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmengine.dataset import BaseDataset


@DATASETS.register_module()
class ConcatDataset(MMEngineConcatDataset):
    """mmengine's, which says what differs among its parts.

    Args:
        datasets: Data sets or their configs.
        lazy_init: mmengine's flag.
        ignore_keys: What may differ of the parts' ``metainfo``, such as ``['protocol']``; that of the first one holds.

    Raises:
        ConfigError: If anything else differs, or ``SceneChannels`` of the parts were fitted to each for itself.
    """

    def __init__(
        self,
        datasets: Sequence[BaseDataset | dict],
        lazy_init: bool = False,
        ignore_keys: str | list[str] | None = None,
    ) -> None:
        try:
            super().__init__(datasets, lazy_init, ignore_keys)
        except (TypeError, ValueError) as error:
            compared = hasattr(self, "ignore_keys")  # else an argument is of another type
            if compared:
                self._check_channels()
            raise ConfigError((compared and self._difference()) or f"ConcatDataset: {error}") from error
        self._check_channels()

    def _check_channels(self) -> None:
        """Refuse channels of which those of one part mean something else than those of another."""
        fitted = [
            [step for step in part.metainfo.get("transforms") or () if step.get("type") == "SceneChannels"]
            for part in self.datasets
        ]
        if any(steps != fitted[0] for steps in fitted):
            raise ConfigError(
                "ConcatDataset: SceneChannels are fitted to each of its parts for itself, where a model needs one "
                "kind; list the files of all of them in the split_file of one TileDataset"
            )

    def _difference(self) -> str | None:
        """The first difference between parts that is not allowed, in words."""
        first, allowed = self.datasets[0].metainfo, self.ignore_keys
        for number, part in enumerate(self.datasets[1:], 2):
            for key in [*first, *(key for key in part.metainfo if key not in first)]:
                one, other = first.get(key), part.metainfo.get(key)
                if key not in allowed and one != other:
                    return (
                        f"ConcatDataset: part {number} has {key}={reprlib.repr(other)}, the first part "
                        f"{reprlib.repr(one)}; expected parts of one kind, or ignore_keys=[{key!r}] if it may differ"
                    )
        return None
