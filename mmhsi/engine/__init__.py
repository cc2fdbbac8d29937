"""What turns a config into a run: hooks, optimiser wrappers, launch options."""

from .bf16_optim_wrapper import BFloat16OptimWrapper
from .hooks import (
    CollapseGuardHook,
    DINOScheduleHook,
    FitPreprocessorHook,
    LayerPruningHook,
    MapVisualizationHook,
    NonFiniteLossHook,
    ReconstructionHook,
    SaveSplitHook,
    SeedIterationHook,
)
from .launch import prepare_distributed, set_seed, use_amp
from .layer_decay_optim import LayerDecayOptimWrapperConstructor

__all__ = [
    "BFloat16OptimWrapper",
    "CollapseGuardHook",
    "DINOScheduleHook",
    "FitPreprocessorHook",
    "LayerDecayOptimWrapperConstructor",
    "LayerPruningHook",
    "MapVisualizationHook",
    "NonFiniteLossHook",
    "ReconstructionHook",
    "SaveSplitHook",
    "SeedIterationHook",
    "prepare_distributed",
    "set_seed",
    "use_amp",
]
