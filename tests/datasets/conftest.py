"""Labels that several tests of splits read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mmhsi.datasets import CATALOGUE, LabelTable
from mmhsi.io import read_label_map

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


@pytest.fixture
def salinas_a_labels(shared_data: Path) -> np.ndarray:
    """Class indices of Salinas-A, (83, 86)."""
    info = CATALOGUE["salinas_a"]
    return LabelTable(info.label_ids, info.classes)(read_label_map(shared_data / info.labels), "gt")
