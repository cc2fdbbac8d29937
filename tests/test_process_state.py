"""The guard that each test runs under sees what a test left behind."""

from __future__ import annotations

import logging
import os
import signal

import pytest
import torch
from matplotlib import pyplot as plt
from process_state import differences, process_state


@pytest.mark.parametrize(
    ("leave", "tidy", "said"),
    [
        (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True), "gradients: True before"),
        (
            lambda: os.environ.update(MMHSI_LEFT="1"),
            lambda: os.environ.pop("MMHSI_LEFT"),
            "environment: {} before the test, {b'MMHSI_LEFT': b'1'} after it",
        ),
        (lambda: logging.disable(logging.ERROR), lambda: logging.disable(logging.NOTSET), "logging: (True, 0, "),
        (lambda: plt.figure(7), lambda: plt.close(7), "open figures: [] before the test, [7] after it"),
        (
            lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
            lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL),
            "signals: ",
        ),
    ],
)
def test_what_is_left_is_said(leave, tidy, said):
    before = process_state()
    try:
        leave()
        left = differences(before, process_state())
    finally:
        tidy()
    assert left.startswith(said)
    assert "\n" not in left
    assert not differences(before, process_state())
