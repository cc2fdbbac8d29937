"""What happens around training."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .collapse_guard import CollapseGuardHook
from .dino_schedule import DINOScheduleHook
from .fit_preprocessor import FitPreprocessorHook
from .layer_pruning import LayerPruningHook
from .map_visualization_hook import MapVisualizationHook
from .nonfinite_loss import NonFiniteLossHook
from .reconstruction_hook import ReconstructionHook
from .save_split import SaveSplitHook
from .seed_iteration import SeedIterationHook
from .sync_batch_norm import SyncBatchNormHook

__all__ = [
    "AtomicCheckpointHook",
    "CollapseGuardHook",
    "DINOScheduleHook",
    "FitPreprocessorHook",
    "LayerPruningHook",
    "MapVisualizationHook",
    "NonFiniteLossHook",
    "ReconstructionHook",
    "SaveSplitHook",
    "SeedIterationHook",
    "SyncBatchNormHook",
]
