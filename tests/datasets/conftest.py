"""Labels that several tests of splits read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmhsi.datasets import CATALOGUE, LabelTable
from mmhsi.io import read_label_map


@pytest.fixture
def salinas_a_labels(shared_data: Path) -> np.ndarray:
    """Class indices of Salinas-A, (83, 86)."""
    info = CATALOGUE["salinas_a"]
    return LabelTable(info.label_ids, info.classes)(read_label_map(shared_data / info.labels), "gt")
