"""What turns a config into a run: hooks, optimiser wrappers, launch options."""

from .bf16_optim_wrapper import BFloat16OptimWrapper
from .hooks import (
    AtomicCheckpointHook,
    CollapseGuardHook,
    DINOScheduleHook,
    FitPreprocessorHook,
    LayerPruningHook,
    MapVisualizationHook,
    NonFiniteLossHook,
    ReconstructionHook,
    SaveSplitHook,
    SeedIterationHook,
    SyncBatchNormHook,
)
from .launch import build_runner, prepare_distributed, scale_learning_rate, set_seed, use_amp
from .layer_decay_optim import LayerDecayOptimWrapperConstructor
from .resume import newest_checkpoint, prepare_resume
from .sharding import ShardedDataParallel, ShardedOptimWrapper

__all__ = [
    "AtomicCheckpointHook",
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
    "ShardedDataParallel",
    "ShardedOptimWrapper",
    "SyncBatchNormHook",
    "build_runner",
    "newest_checkpoint",
    "prepare_distributed",
    "prepare_resume",
    "scale_learning_rate",
    "set_seed",
    "use_amp",
]
