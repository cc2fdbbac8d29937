"""What turns a config into a run: hooks, optimiser wrappers, launch options."""

from .bf16_optim_wrapper import CPUAmpOptimWrapper
from .hooks import FitPreprocessorHook, LayerPruningHook, SaveSplitHook, SeedIterationHook
from .launch import prepare_distributed, set_seed, use_amp

__all__ = [
    "CPUAmpOptimWrapper",
    "FitPreprocessorHook",
    "LayerPruningHook",
    "SaveSplitHook",
    "SeedIterationHook",
    "prepare_distributed",
    "set_seed",
    "use_amp",
]
