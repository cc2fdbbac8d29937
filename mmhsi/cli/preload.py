"""What every run of a table imports: for the process that the runs are forked from."""

import os

# On a GPU, torch else asks CUDA how many there are while mmengine is imported, and no forked process may use CUDA then.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

from .console import show_own_warnings

show_own_warnings()

from mmhsi import datasets, engine, evaluation, models, visualization  # noqa: E402, F401
