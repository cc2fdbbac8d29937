"""What happens around training."""

from .fit_preprocessor import FitPreprocessorHook
from .layer_pruning import LayerPruningHook
from .save_split import SaveSplitHook
from .seed_iteration import SeedIterationHook

__all__ = ["FitPreprocessorHook", "LayerPruningHook", "SaveSplitHook", "SeedIterationHook"]
