"""What of a process a test must leave as it found it, lest those that run after it in this worker depend on it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile

import numpy as np
import torch
from matplotlib._pylab_helpers import Gcf

OF_LIBRARIES = (b"KMP_", b"TORCHINDUCTOR_", b"TOKENIZERS_", b"GDAL_CURL_", b"PROJ_CURL_", b"PYTEST_CURRENT_TEST")
"""How variables of the environment begin that libraries set when they are imported, and pytest for every test."""


def process_state() -> dict[str, object]:
    """State that one test can leave behind for another, by what it is called; taken in some ten microseconds.

    Not in it is what mmengine keeps of every run (its loggers, hubs and default scopes), and the global generators of
    random numbers, from which tests may draw.
    """
    environment = {name: value for name, value in os.environ._data.items() if not name.startswith(OF_LIBRARIES)}
    manager = logging.root.manager
    return {
        "gradients": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "default type": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cuDNN": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "process group": torch.distributed.is_initialized(),
        "threads": torch.get_num_threads(),
        "start of processes": multiprocessing.get_start_method(allow_none=True),
        "folder": os.getcwd(),  # noqa: PTH109 Path.cwd() costs more
        "temporary folder": tempfile.tempdir,
        "environment": environment,
        "arguments": list(sys.argv),
        "paths": list(sys.path),
        "hooks": (sys.excepthook, sys.displayhook, sys.getrecursionlimit()),
        "signals": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
        "logging": (logging.raiseExceptions, manager.disable, logging.root.level, logging.getLogger("mmengine").level),
        "collection of garbage": gc.isenabled(),
        "NumPy's errors": np.geterr(),
        "open figures": list(Gcf.figs),
        "time to wait for a network": socket.getdefaulttimeout(),
    }


def differences(before: dict[str, object], after: dict[str, object]) -> str:
    """What changed, a line each; of dicts, the entries that did."""
    lines = []
    for name, old in before.items():
        new = after[name]
        if old != new and isinstance(old, dict):
            changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
            old, new = ({key: state[key] for key in changed if key in state} for state in (old, new))
        if old != new:
            lines.append(f"{name}: {old} before the test, {new} after it")
    return "\n".join(lines)
