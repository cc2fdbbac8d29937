"""What a classifier of a scene leaves in its folder: its comparison, its model, and a config to go on from."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmhsi.errors import DataError, MMHSIError
from mmhsi.io.files import replacing, write_whole
from mmhsi.models.weights import read_checkpoint, write_checkpoint
from mmhsi.version import __version__

from .candidates import learner_config
from .comparison import Tried

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from .candidates import Candidate
    from .samples import LabelledSamples


WRITTEN = ("model.pth", "config.py", "report.json", "comparison.npz", "plan.json")
"""Files that a run writes there, beside those of ``configs``; the last three first, so that they tell its folder."""


def check_work_folder(folder: Path) -> None:
    """Refuse a folder in which another's model or config would be written over.

    Args:
        folder: Of a run to come.

    Raises:
        DataError: If there is one, and nothing else that a run leaves.
    """
    if any((folder / name).exists() for name in WRITTEN[2:]):
        return
    for name in WRITTEN[:2]:
        if (folder / name).exists():
            raise DataError(
                f"{folder / name}: is not of a run of this kind and would be written over; name another folder"
            )


class Comparison:
    """Candidates that were tried, in a file, so that an interrupted run does not try them again.

    Args:
        path: The file, ``.npz``.
        key: What tells these samples and folds from others; a file of other ones is not used.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key

    @classmethod
    def of(cls, folder: Path, seed: int, *arrays: NDArray) -> Comparison:
        """That of these samples.

        Args:
            folder: Where its file lies.
            seed: Of everything random.
            *arrays: Samples, classes, folds.
        """
        state = hashlib.sha256(str(seed).encode())
        for array in arrays:
            state.update(np.ascontiguousarray(array).data)
        return cls(folder / "comparison.npz", state.hexdigest()[:16])

    def save(self, tried: Sequence[Tried]) -> None:
        """Write all that were tried.

        Args:
            tried: Candidates.
        """
        arrays: dict[str, Any] = {one.name: one.probabilities for one in tried}
        arrays |= {f"seconds {one.name}": one.seconds for one in tried}
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, key=self.key, **arrays)

    def load(self, candidates: Iterable[str], classes: NDArray[np.int64]) -> list[Tried]:
        """Those of the candidates that were tried; none if the file is missing, damaged, or of other samples.

        Args:
            candidates: Their names.
            classes: Class of each sample, (n,).
        """
        found = []
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                if str(arrays["key"]) != self.key:
                    return []
                for name in candidates:
                    if name in arrays:
                        scores = arrays[name]
                        if len(scores) != len(classes) or scores.shape[1] <= classes.max() or not (scores >= 0).all():
                            return []
                        right = float((scores.argmax(axis=1) == classes).mean())
                        found.append(Tried(name, scores, right, float(arrays[f"seconds {name}"])))
        except Exception:  # numpy and zipfile raise many kinds
            return []
        return found


def save_model(path: Path, model: Mapping[str, Any], network: nn.Module, meta: Mapping[str, Any], seed: int) -> Path:
    """Write a published checkpoint, which ``mmhsi predict`` takes without a config.

    A file that holds the same stays as it is, so that a map that was begun with it can be gone on with: archives of
    equal weights differ in their bytes.

    Args:
        path: The file.
        model: Its config.
        network: Built from it.
        meta: What it was trained on, :meth:`mmhsi.spec.InputSpec.to_meta`.
        seed: Of everything random.
    """
    about = dict(mmhsi_version=__version__, seed=seed, model=dict(model), dataset_meta=dict(meta))
    state = network.state_dict()
    if not _holds(path, about, state):
        write_checkpoint({"meta": about, "state_dict": state}, path)
    return path


def _holds(path: Path, meta: Mapping[str, Any], state: Mapping[str, Tensor]) -> bool:
    """Whether a file is a checkpoint of these weights and this metadata."""
    try:
        known = read_checkpoint(path)
    except MMHSIError:
        return False
    weights = known["state_dict"]
    return (
        _plain(known["meta"]) == _plain(meta)
        and weights.keys() == state.keys()
        and all(torch.equal(weights[name], value) for name, value in state.items())
    )


def _plain(value: Any) -> str:
    """Plain data as text; tuples and lists are alike."""
    return json.dumps(value, sort_keys=True, default=list)


def save_configs(
    folder: Path,
    model: Mapping[str, Any],
    candidates: Sequence[Candidate],
    described: Mapping[str, Any],
    samples: LabelledSamples,
    groups: Sequence[str],
) -> None:
    """Write configs by which ``mmhsi train`` learns anew, and an expert goes on: of every candidate, and of the choice.

    What was chosen has one where it is of classical classifiers alone; a mean with networks is trained part by part.

    Args:
        folder: Gets ``configs/NAME.py`` and ``config.py``.
        model: Config of what was chosen.
        candidates: What might have been tried.
        described: Fields of :class:`mmhsi.datasets.SceneInfo`.
        samples: What was learnt from.
        groups: Families of channels.
    """
    second = samples.source.second is not None
    channels = dict(type="SceneChannels", groups=list(groups))
    data = dict(
        scene=dict(described), data_root="", window=1, subset="labeled", transforms=[channels], use_second=second
    )
    classical = "mmhsi::classical/extra-trees.py"
    for one in candidates:
        path = folder / "configs" / f"{one.name.replace(' ', '-')}.py"
        if one.config is None:
            learner = learner_config(one, len(samples.source.bands), second)
            made = dict(type="ClassicalClassifier", data_preprocessor=dict(type="ScenePreprocessor"), backbone=learner)
            _write_config(path, classical, data, dict(made, _delete_=True), samples.seed)
            continue
        seen = dict(data, window=one.window)
        if one.sees == "spectra":  # the bands themselves, which the preprocessor normalises
            seen |= dict(transforms=[], use_second=False)
        start = samples.network(one).model.backbone.to_dict() if one.pretrained else {}
        for number in ("in_channels", "img_size"):
            start.pop(number, None)
        _write_config(path, one.config, seen, dict(backbone=dict(start, _delete_=True)) if start else {}, samples.seed)
    if model["type"] == "ClassicalClassifier":
        _write_config(folder / "config.py", classical, data, dict(model, _delete_=True), samples.seed)


def _write_config(path: Path, base: str, dataset: Mapping[str, Any], model: Mapping[str, Any], seed: int) -> None:
    """A config on one of the package's."""
    lines = [
        f"_base_ = [{base!r}]",
        f"data = dict(_delete_=True, type='SceneDataset', **{dict(dataset)!r})",
        *([f"model = {dict(model)!r}"] if model else []),
        "train_dataloader = dict(dataset=data)",
        "test_dataloader = dict(dataset=data)",
        f"randomness = dict(seed={seed})",
    ]
    write_whole(path, "\n".join(lines) + "\n")
