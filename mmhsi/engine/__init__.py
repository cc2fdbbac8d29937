"""What turns a config into a run: hooks, optimiser wrappers, launch options."""

from .bf16_optim_wrapper import CPUAmpOptimWrapper
from .hooks import (
    CollapseGuardHook,
    DINOScheduleHook,
    FitPreprocessorHook,
    LayerPruningHook,
    MapVisualizationHook,
    ReconstructionHook,
    SaveSplitHook,
    SeedIterationHook,
    SyncBatchNormHook,
)
from .launch import build_runner, prepare_distributed, scale_learning_rate, set_seed, use_amp
from .layer_decay_optim import LayerDecayOptimWrapperConstructor
from .sharding import ShardedDataParallel, ShardedOptimWrapper

__all__ = [
    "CPUAmpOptimWrapper",
    "CollapseGuardHook",
    "DINOScheduleHook",
    "FitPreprocessorHook",
    "LayerDecayOptimWrapperConstructor",
    "LayerPruningHook",
    "MapVisualizationHook",
    "ReconstructionHook",
    "SaveSplitHook",
    "SeedIterationHook",
    "ShardedDataParallel",
    "ShardedOptimWrapper",
    "SyncBatchNormHook",
    "build_runner",
    "prepare_distributed",
    "scale_learning_rate",
    "set_seed",
    "use_amp",
]
