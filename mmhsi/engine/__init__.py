"""What turns a config into a run: hooks, optimiser wrappers, launch options."""

import mmhsi.light_optimizers  # noqa: F401, before anything of mmengine

from .bf16_optim_wrapper import BFloat16OptimWrapper
from .config_check import check_config
from .hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from .hooks.attach_scenes import AttachScenesHook
from .hooks.collapse_guard import CollapseGuardHook
from .hooks.dino_schedule import DINOScheduleHook
from .hooks.fit_discriminant import FitDiscriminantHook
from .hooks.fit_preprocessor import FitPreprocessorHook
from .hooks.layer_pruning import LayerPruningHook
from .hooks.map_visualization_hook import MapVisualizationHook
from .hooks.nonfinite_loss import NonFiniteLossHook
from .hooks.reconstruction_hook import ReconstructionHook
from .hooks.save_split import SaveSplitHook
from .hooks.seed_iteration import SeedIterationHook
from .hooks.sync_batch_norm import SyncBatchNormHook
from .launch import build_runner, prepare_distributed, scale_learning_rate, set_seed, use_amp
from .layer_decay_optim import LayerDecayOptimWrapperConstructor
from .no_optimizer import NoOptimWrapperConstructor
from .numbers import check_classes, resolve_from_data, resolve_from_spec, resolve_numbers
from .resume import newest_checkpoint, prepare_resume
from .runners import (
    CheckedDDPStrategy,
    CheckedFlexibleRunner,
    CheckedFSDPStrategy,
    CheckedRunner,
    CheckedSingleDeviceStrategy,
)
from .sharding import ShardedDataParallel, ShardedOptimWrapper

__all__ = [
    "AtomicCheckpointHook",
    "AttachScenesHook",
    "BFloat16OptimWrapper",
    "CheckedDDPStrategy",
    "CheckedFSDPStrategy",
    "CheckedFlexibleRunner",
    "CheckedRunner",
    "CheckedSingleDeviceStrategy",
    "CollapseGuardHook",
    "DINOScheduleHook",
    "FitDiscriminantHook",
    "FitPreprocessorHook",
    "LayerDecayOptimWrapperConstructor",
    "LayerPruningHook",
    "MapVisualizationHook",
    "NoOptimWrapperConstructor",
    "NonFiniteLossHook",
    "ReconstructionHook",
    "SaveSplitHook",
    "SeedIterationHook",
    "ShardedDataParallel",
    "ShardedOptimWrapper",
    "SyncBatchNormHook",
    "build_runner",
    "check_classes",
    "check_config",
    "newest_checkpoint",
    "prepare_distributed",
    "prepare_resume",
    "resolve_from_data",
    "resolve_from_spec",
    "resolve_numbers",
    "scale_learning_rate",
    "set_seed",
    "use_amp",
]
