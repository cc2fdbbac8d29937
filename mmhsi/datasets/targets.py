"""What is known of the values that a model predicts, for :class:`mmhsi.spec.InputSpec`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def target_facts(
    values: NDArray[np.float32], names: Sequence[str], units: Sequence[str], source: str
) -> tuple[dict[str, object], ...]:
    """Name, unit, mean and standard deviation of each target over the training samples.

    Args:
        values: Of the training samples, (N, T), NaN where nothing is known.
        names: T names.
        units: T units; none for pure numbers.
        source: Whose they are, for messages.

    Returns:
        One ``dict(name=…, unit=…, mean=…, std=…)`` a target; a target that never varies has the deviation 1.

    Raises:
        DataError: If a target has no training value.
    """
    facts: list[dict[str, object]] = []
    for index, name in enumerate(names):
        known = values[:, index][np.isfinite(values[:, index])].astype(np.float64)
        if not known.size:
            raise DataError(f"{source}: {name} has no training value")
        deviation = float(known.std()) if np.ptp(known) else 1.0  # the former is 1e-17 of some equal numbers
        unit = str(units[index]) if units else "1"
        facts.append(dict(name=str(name), unit=unit, mean=float(known.mean()), std=deviation))
    return tuple(facts)
