"""The metric of models that predict values."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from scipy.special import ndtri

from mmhsi.errors import ConfigError, counted, one_line
from mmhsi.io.files import write_json
from mmhsi.registry import METRICS
from mmhsi.spec import InputSpec

from .regression import LEVEL, NAMES, value_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor


@METRICS.register_module()
class ValueMetric(BaseMetric):
    """R², RMSE and MAE of every target, with intervals, and the protocol beside them.

    Takes samples with ``gt_value`` (T,), NaN where unknown, ``pred_value`` (T,), ``group``, and perhaps ``pred_std``
    (T,); or tiles with ``gt_values``, ``pred_values`` and perhaps ``pred_stds`` (T, H, W), each of which is a group.
    With one target the keys are ``R2``, ``RMSE`` and ``MAE``; with several ``NAME/R2`` and so on, and ``R2``,
    their mean over the targets that vary. Where standard deviations are predicted, ``coverage`` is the share of values
    within the 90 % interval of a normal distribution.

    Args:
        out_file: JSON file for the full report. Default None: none is written.
        collect_device: mmengine's: ``'cpu'`` or ``'gpu'``.
        prefix: mmengine's: put before every key.
    """

    def __init__(self, out_file: str | None = None, collect_device: str = "cpu", prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.out_file = out_file

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take a batch of predictions in.

        Args:
            data_batch: Not used.
            data_samples: The samples.
        """
        for sample in data_samples:
            if "gt_values" in sample:
                names, group = ("gt_values", "pred_values", "pred_stds"), _tile(sample)
                rows = {name: _rows(sample[name]["data"].flatten(1).T) for name in names if name in sample}
            else:
                names, group = ("gt_value", "pred_value", "pred_std"), int(sample["group"])
                rows = {name: _rows(sample[name][None]) for name in names if name in sample}
            known = np.isfinite(rows[names[0]]).any(axis=1)
            truth, predicted, std = (rows[name][known] if name in rows else None for name in names)
            self.results.append((truth, predicted, std, np.full(known.sum(), group)))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum up.

        Args:
            results: One (truth, predicted, std, groups) a sample, of its values' rows.

        Raises:
            ConfigError: If the data have no targets.
        """
        spec = InputSpec.of_metainfo(self.dataset_meta)
        if spec is None or not spec.targets:
            raise ConfigError(
                "ValueMetric: the test data have no targets; take a dataset of values, or LandCoverMetric"
            )
        truth, predicted, groups = (np.concatenate([result[index] for result in results]) for index in (0, 1, 3))
        stds = None if results[0][2] is None else np.concatenate([result[2] for result in results])
        rows: list[dict[str, Any]] = []
        for index, target in enumerate(spec.targets):
            known = np.isfinite(truth[:, index])
            row: dict[str, Any] = dict(name=target["name"], unit=target["unit"])
            if known.any():
                row |= value_errors(truth[known, index], predicted[known, index], groups[known])
                if stds is not None:
                    within = np.abs(predicted - truth)[known, index] <= ndtri((1 + LEVEL) / 2) * stds[known, index]
                    row["coverage"] = float(within.mean())
            rows.append(row)
        metrics = _metrics(rows)
        logger = MMLogger.get_current_instance()
        logger.info("Protocol: %s\n%s", one_line(spec.protocol), "\n".join(map(line, rows)))
        if self.out_file is not None:
            write_json(self.out_file, dict(protocol=spec.protocol, metrics=metrics, level=LEVEL, targets=rows))
        return metrics


def _tile(sample: dict) -> int:
    """A number that tells a tile from others, on every process."""
    return zlib.crc32(f"{sample.get('img_path')} {sample.get('window')}".encode())


def _rows(values: Tensor) -> NDArray[np.float64]:
    """Values (n, T) as numpy has them."""
    return values.cpu().numpy().astype(np.float64)


def _metrics(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Figures by the key under which they are logged."""
    names = (*NAMES, "coverage")
    if len(rows) == 1:
        return {name: rows[0][name] for name in names if name in rows[0]}
    found = {f"{row['name']}/{name}": row[name] for row in rows for name in names if name in row}
    explained = [row["R2"] for row in rows if np.isfinite(row.get("R2", np.nan))]
    return found | ({"R2": float(np.mean(explained))} if explained else {})


def line(row: dict[str, Any]) -> str:
    """A target's figures as one line of text."""
    if "samples" not in row:
        return f"{one_line(row['name'])}: no value in the test samples"
    unit = "" if row["unit"] == "1" else f" {one_line(row['unit'])}"
    parts = []
    for name in NAMES:
        interval = row[f"{name}_interval"]
        between = "" if interval is None else f" ({interval[0]:.4g} to {interval[1]:.4g})"
        parts.append(f"{name} {row[name]:.4g}{'' if name == 'R2' else unit}{between}")
    if "coverage" in row:
        parts.append(f"{100 * row['coverage']:.0f} % within the predicted 90 % interval")
    of = f"{counted(row['samples'], 'sample')} in {counted(row['groups'], 'group')}"
    return f"{one_line(row['name'])}: {', '.join(parts)}; {of}"
