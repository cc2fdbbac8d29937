"""Finished rows to GeoTIFFs."""

from __future__ import annotations

import glob
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mmhsi.io import ClassMapWriter, CubeInfo, ValueMapWriter
from mmhsi.io.files import remove_begun

from .row_store import Layer
from .stac import item_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from mmhsi.io.row_writer import RowWriter
    from mmhsi.visualization.palette import RGB

    from .prediction import PredictedRows


class FinishedRows(Protocol):
    """Gives the rows of all layers of a scene."""

    def read(self, name: str, band: int, first: int, count: int) -> np.ndarray:
        """Rows of one band of a layer, (count, W).

        Args:
            name: The layer's.
            band: 0-based.
            first: First row.
            count: Rows.
        """


NO_CLASS = 255
"""Value of pixels without data in a map."""

BLOCK_ROWS = 256
"""Rows that are written at a time: those of a GeoTIFF's tile."""


def layers_of(num_classes: int, probabilities: bool, uncertainty: bool, num_targets: int = 0) -> dict[str, Layer]:
    """The layers of a run: ``classes``, or of a model of values ``values``, and those asked for.

    Args:
        num_classes: K.
        probabilities: Whether they were asked for.
        uncertainty: Whether it was asked for: of classes an entropy, of values a standard deviation a target.
        num_targets: T; 0 of a model of classes. Default 0.
    """
    if num_targets:
        values = Layer(num_targets, np.dtype(np.float32))
        return {"values": values, **({"uncertainty": values} if uncertainty else {})}
    layers = {"classes": Layer(1, np.dtype(np.uint8))}
    if probabilities:
        layers["probabilities"] = Layer(num_classes, np.dtype(np.float32))
    if uncertainty:
        layers["uncertainty"] = Layer(1, np.dtype(np.float32))
    return layers


def entropy(scores: Tensor) -> Tensor:
    """Entropy of class probabilities as a share of its largest value, ln K.

    Args:
        scores: Shape (K, …).

    Returns:
        Shape (…): 0 where one class has all, 1 where all classes are equally likely; 0 everywhere for one class.
    """
    if len(scores) == 1:
        return scores[0] * 0
    nats = -(scores * scores.clamp_min(1e-30).log()).sum(dim=0)  # 0 ln 0 is 0
    return (nats / math.log(len(scores))).clamp_(0, 1)


def values_of(predicted: PredictedRows, layers: dict[str, Layer]) -> dict[str, np.ndarray]:
    """Values (bands, rows, W) of each layer, :data:`NO_CLASS` or NaN where there is no data.

    Args:
        predicted: Scores of some rows.
        layers: What :func:`layers_of` gave.
    """
    if "values" in layers:
        scores = predicted.scores.cpu().numpy()
        scores[:, ~predicted.valid] = np.nan
        count = layers["values"].bands
        return {"values": scores[:count], **({"uncertainty": scores[count:]} if "uncertainty" in layers else {})}
    # max() finds the same indices as argmax(), in half the time along the first axis.
    values = {"classes": predicted.scores.max(dim=0).indices[None].byte().cpu().numpy()}
    if "probabilities" in layers:
        values["probabilities"] = predicted.scores.cpu().numpy()
    if "uncertainty" in layers:
        values["uncertainty"] = entropy(predicted.scores)[None].cpu().numpy()
    for name, value in values.items():
        value[:, ~predicted.valid] = NO_CLASS if name == "classes" else np.nan
    return values


def map_numbers(num_classes: int, ids: Sequence[int] | None = None) -> tuple[np.ndarray, int]:
    """What stands in a map for each class index, and for no data.

    Args:
        num_classes: K.
        ids: Number of each class. Default: 0 to K−1.

    Returns:
        Numbers by index, (256,) uint16, and the one that means "no data": 255, or where that is a class's 0, or 65535.
    """
    given = [*range(num_classes)] if ids is None else list(ids)
    nodata = next(number for number in (NO_CLASS, 0, 65535) if number not in given)
    return np.array([*given, *[nodata] * (256 - num_classes)], dtype=np.uint16), nodata


def write_products(
    store: FinishedRows,
    paths: dict[str, Path],
    info: CubeInfo,
    classes: list[str],
    palette: list[RGB],
    ids: Sequence[int] | None = None,
    targets: Sequence[Mapping[str, object]] = (),
) -> bool:
    """Write the GeoTIFF of every layer; they appear under their names when the rows of all are written, the map last.

    Args:
        store: All rows of the scene.
        paths: File of each layer.
        info: The scene's shape, CRS and transform.
        classes: Class names.
        palette: Their colours.
        ids: Number of each class in the map. Default: 0 to K−1.
        targets: Of a model of values, their names and units (:attr:`mmhsi.spec.InputSpec.targets`).

    Returns:
        Whether any pixel has a class, or a value.

    Raises:
        DataError: If a file cannot be written; the map does not appear then.
    """
    height, width, _ = info.shape
    numbers, nodata = map_numbers(len(classes), ids)
    place: dict = dict(crs=info.crs, transform=info.transform)
    names = {"probabilities": classes, "uncertainty": ["normalised entropy"]}
    quantities = {"probabilities": "class probability, 0 to 1", "uncertainty": "entropy / ln K, 0 sure to 1"}
    units: str | list[str] = "1"
    if targets:
        known, units = [str(target["name"]) for target in targets], [str(target["unit"]) for target in targets]
        names = {"values": known, "uncertainty": [f"standard deviation of {name}" for name in known]}
        quantities = {"values": "predicted value", "uncertainty": "predicted standard deviation"}
    any_data = False
    with ExitStack() as stack:
        writers: dict[str, RowWriter] = {}
        for name, path in paths.items():
            for own in (path, path.with_suffix(".qml"), item_path(path)):
                remove_begun(path.parent, glob.escape(own.name))
            writer: RowWriter
            if name == "classes":
                writer = ClassMapWriter(
                    path, (height, width), class_names=classes, palette=palette, nodata=nodata, class_ids=ids, **place
                )
            else:
                tags = dict(quantity=quantities[name])
                writer = ValueMapWriter(path, (height, width), names[name], unit=units, tags=tags, **place)
            writers[name] = stack.enter_context(writer)
        for first in range(0, height, BLOCK_ROWS):
            count = min(BLOCK_ROWS, height - first)
            for name, writer in writers.items():
                for band in range(writer.bands):
                    block = store.read(name, band, first, count)
                    if name == "classes":
                        any_data |= bool((block != NO_CLASS).any())
                        block = numbers[block]
                    elif name == "values":
                        any_data |= bool(np.isfinite(block).any())
                    writer.write_rows(first, block, band)
    return any_data
