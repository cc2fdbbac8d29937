"""What a classifier of a scene leaves in its folder: its comparison, its model, and a config to go on from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.io.files import replacing
from mmhsi.models.weights import write_checkpoint
from mmhsi.version import __version__

from .comparison import Tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn


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

    def load(self, candidates: Mapping[str, dict], classes: NDArray[np.int64]) -> list[Tried]:
        """Those of the candidates that were tried; none if the file is missing, torn, or of other samples.

        Args:
            candidates: Configs by name.
            classes: Class of each sample, (n,).
        """
        found = []
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                if str(arrays["key"]) != self.key:
                    return []
                for name, config in candidates.items():
                    if name in arrays:
                        scores = arrays[name]
                        right = float((scores.argmax(axis=1) == classes).mean())
                        found.append(Tried(name, config, scores, right, float(arrays[f"seconds {name}"])))
        except (OSError, ValueError, KeyError):
            return []
        return found


def model_config(learner: Mapping[str, Any], temperature: float) -> dict[str, Any]:
    """Config of the model; numbers of bands and classes come from the data.

    Args:
        learner: Config of the classical classifier.
        temperature: Of its calibration.
    """
    preprocessor = dict(type="ScenePreprocessor")
    model = dict(type="ClassicalClassifier", data_preprocessor=preprocessor, backbone=dict(learner))
    return dict(model, temperature=temperature)


def save_model(path: Path, model: Mapping[str, Any], network: nn.Module, meta: Mapping[str, Any], seed: int) -> Path:
    """Write a published checkpoint, which ``mmhsi predict`` takes without a config.

    Args:
        path: The file.
        model: Of :func:`model_config`.
        network: Built from it.
        meta: What it was trained on, :meth:`mmhsi.spec.InputSpec.to_meta`.
        seed: Of everything random.
    """
    about = dict(mmhsi_version=__version__, seed=seed, model=dict(model), dataset_meta=dict(meta))
    write_checkpoint({"meta": about, "state_dict": network.state_dict()}, path)
    return path


def save_config(path: Path, model: Mapping[str, Any], dataset: Mapping[str, Any], seed: int) -> None:
    """Write a config by which ``mmhsi train`` learns the same anew, and an expert goes on.

    Args:
        path: The file.
        model: Of :func:`model_config`.
        dataset: Arguments of :class:`mmhsi.datasets.SceneDataset`.
        seed: Of everything random.
    """
    lines = [
        '_base_ = ["mmhsi::classical/extra-trees.py"]',
        f"data = dict(_delete_=True, type='SceneDataset', **{dict(dataset)!r})",
        f"model = dict(_delete_=True, **{dict(model)!r})",
        "train_dataloader = dict(dataset=data)",
        "test_dataloader = dict(dataset=data)",
        f"randomness = dict(seed={seed})",
    ]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
