"""Score predictions that somebody hands in against the test pixels of a split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io import read_class_map
from mmhsi.io.files import reason

from .confusion import ConfusionMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXPECTED = "a GeoTIFF map, or a .npy of ids: one for every pixel, or one for every test pixel in their order"


def read_predictions(path: str | Path) -> NDArray[np.integer]:
    """Read predicted ids.

    Args:
        path: Map of mmhsi predict or classify, another single-band GeoTIFF of ids, or ``.npy`` of whole numbers.

    Returns:
        (H, W), or (n,) of a list.

    Raises:
        DataError: If it is none of these.
    """
    path = Path(path)
    if path.suffix != ".npy":
        found = read_class_map(path)
        ids = np.array([*found.ids, *[-1] * (256 - len(found.ids))], dtype=np.int64)
        return ids[found.classes]
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: {reason(error)}; expected {EXPECTED}") from error
    if values.dtype.kind not in "iu" or values.ndim not in (1, 2):
        raise DataError(f"{path}: {values.dtype} of shape {values.shape}; expected {EXPECTED}")
    return values.astype(np.int64)


def score_predictions(
    predicted: NDArray[np.integer],
    labels: NDArray[np.integer],
    test: NDArray[np.integer],
    ids: Sequence[int],
    source: str,
) -> ConfusionMatrix:
    """Compare with the truth at the test pixels alone; a test pixel without a prediction is an error, not left out.

    Args:
        predicted: Ids, (H, W), or (n,) in the order of ``test``.
        labels: True classes 0..K-1, (H, W), 255 where there is none.
        test: Flat row-major indices of the test pixels, (n,), rising.
        ids: Id of each class in the predictions, K.
        source: Whose they are, for messages.

    Raises:
        DataError: If the shapes do not fit, or a test pixel has no prediction of a class.
    """
    if predicted.ndim == 2 and predicted.shape == labels.shape:
        chosen = predicted.ravel()[test]
    elif predicted.ndim == 1 and predicted.shape == test.shape:
        chosen = predicted
    else:
        raise DataError(
            f"{source}: shape {predicted.shape}; the scene has {labels.shape}, the split {test.size} test pixels"
        )
    matches = chosen[:, None] == np.asarray(ids)[None]  # (n, K)
    unknown = np.flatnonzero(~matches.any(axis=1))
    if unknown.size:
        row, column = divmod(int(test[unknown[0]]), labels.shape[1])
        raise DataError(
            f"{source}: {unknown.size} of {test.size} test pixels have no class, first row {row}, column {column} with "
            f"{chosen[unknown[0]]}; expected ids {', '.join(map(str, ids))}"
        )
    return ConfusionMatrix.from_labels(labels.ravel()[test], matches.argmax(axis=1), len(ids))
