"""What happens around training."""

from .fit_preprocessor import FitPreprocessorHook
from .save_split import SaveSplitHook
from .seed_iteration import SeedIterationHook

__all__ = ["FitPreprocessorHook", "SaveSplitHook", "SeedIterationHook"]
