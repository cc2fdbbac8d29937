"""Accuracy of pixel classification and of segmentation, from one confusion matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mmhsi.errors import DataError, one_line
from mmhsi.io.files import write_json
from mmhsi.io.json_file import is_number, read_json
from mmhsi.registry import METRICS
from mmhsi.spec import InputSpec

from .confusion import ConfusionMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXPECTED = "a report of mmhsi test --out"


@METRICS.register_module()
class LandCoverMetric(BaseMetric):
    """OA, AA, Kappa, mIoU and the accuracy and IoU of every class, in per cent, with the protocol beside them.

    Takes mmpretrain's samples (``gt_label``, ``pred_label``) and mmseg's (``gt_sem_seg``, ``pred_sem_seg``). AA and
    mIoU are means over the classes that occur in the truth; absent ones are named as absent.

    Args:
        ignore_index: Label that is left out. Default 255.
        out_file: JSON file for the full report, confusion matrix included. Default None: none is written.
        collect_device: mmengine's: ``'cpu'`` or ``'gpu'``.
        prefix: mmengine's: put before every key.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        out_file: str | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index
        self.out_file = out_file

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take a batch of predictions in; one entry a sample, as mmengine's gathering over ranks expects."""
        for sample in data_samples:
            if "pred_sem_seg" in sample:
                truth = sample["gt_sem_seg"]["data"].squeeze(0).cpu().numpy()
                prediction = sample["pred_sem_seg"]["data"].squeeze(0).cpu().numpy()
            else:
                truth, prediction = sample["gt_label"].cpu().numpy(), sample["pred_label"].cpu().numpy()
            kept = truth != self.ignore_index
            self.results.append((truth[kept].astype(np.int64), prediction[kept].astype(np.int64)))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum up.

        Args:
            results: One (truth, prediction) pair of arrays a sample.

        Returns:
            ``OA``, ``AA``, ``Kappa``, ``mIoU`` in per cent.

        Raises:
            DataError: No pixel has a label.
        """
        # The names are where every dataset of the OpenMMLab packages has them; a protocol have those of this one.
        classes, spec = self.dataset_meta["classes"], InputSpec.of_metainfo(self.dataset_meta)
        matrix = ConfusionMatrix.from_labels(
            np.concatenate([truth for truth, _ in results]),
            np.concatenate([prediction for _, prediction in results]),
            len(classes),
            self.ignore_index,
        )
        if not matrix.counts.any():
            raise DataError("no pixel of the samples that were predicted has a label: there is nothing to compare with")
        metrics = matrix.percentages()
        protocol = "" if spec is None else spec.protocol
        logger = MMLogger.get_current_instance()
        logger.info("Protocol: %s\n%s", one_line(protocol), format_report(matrix, classes))
        if self.out_file is not None:
            write_report(self.out_file, matrix, classes, metrics, protocol)
        return metrics


def class_figures(matrix: ConfusionMatrix, classes: Sequence[str]) -> list[dict]:
    """Every class's ``name``, ``pixels``, ``accuracy`` and ``iou``, in per cent; None where the class is absent."""
    figures = zip(classes, matrix.counts.sum(axis=1), matrix.class_accuracy, matrix.class_iou, strict=True)
    return [
        dict(
            name=name,
            pixels=int(pixels),
            accuracy=float(100 * accuracy) if pixels else None,
            iou=float(100 * iou) if pixels else None,
        )
        for name, pixels, accuracy, iou in figures
    ]


def cells(figures: dict) -> list[str]:
    """A class's name, pixels, accuracy and IoU as a table shows them.

    Args:
        figures: Of :func:`class_figures` or of a report.
    """
    shares = [f"{figures[key]:.2f}" if figures["pixels"] else "absent" for key in ("accuracy", "iou")]
    return [one_line(figures["name"]), str(figures["pixels"]), *shares]


def format_report(matrix: ConfusionMatrix, classes: Sequence[str]) -> str:
    """Table of every class's pixels, accuracy and IoU in per cent."""
    # As texts, for in a word rich would take brackets for its markup.
    table = Table("class", *(Column(name, justify="right") for name in ("pixels", "accuracy", "IoU")))
    for figures in class_figures(matrix, classes):
        table.add_row(*map(Text, cells(figures)))
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def write_report(
    path: str | Path, matrix: ConfusionMatrix, classes: Sequence[str], metrics: dict[str, float], protocol: str
) -> None:
    """Write the full report as JSON; absent classes, and metrics that are no number, have null.

    Args:
        path: JSON file.
        matrix: K × K counts.
        classes: K names.
        metrics: Per cent by name.
        protocol: How the pixels were chosen.
    """
    report = dict(
        protocol=protocol,
        metrics=metrics,
        classes=class_figures(matrix, classes),
        confusion_matrix=matrix.counts.tolist(),
    )
    write_json(path, report)


def read_report(path: str | Path) -> dict:
    """Read what :func:`write_report` wrote.

    Raises:
        DataError: If it is missing, damaged or another file.
    """
    report = read_json(path, EXPECTED)
    try:
        _check_report(report)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(f"{path}: not {EXPECTED} ({error})") from error
    assert isinstance(report, dict)
    report["protocol"] = one_line(report["protocol"])
    report["metrics"] = {
        one_line(name): math.nan if value is None else value for name, value in report["metrics"].items()
    }
    return report


def _check_report(report: Any) -> None:
    """Raise whatever comes first where a file's content is no report."""
    rows, matrix = report["classes"], report["confusion_matrix"]
    for row in rows:
        shares = [share for share in (row["accuracy"], row["iou"]) if share is not None or row["pixels"] > 0]
        if not isinstance(row["name"], str) or not all(map(is_number, [row["pixels"], *shares])):
            raise ValueError(f"class {row['name']!r}")
    shape = np.array(matrix, dtype=np.int64).shape
    if shape != (len(rows), len(rows)) or not rows or not all(type(count) is int for line in matrix for count in line):
        raise ValueError(f"a matrix of shape {shape} for {len(rows)} classes")
    if not isinstance(report["protocol"], str):
        raise TypeError("its protocol is no text")
    if not all(value is None or is_number(value) for value in report["metrics"].values()):
        raise ValueError("a metric is no number")
