"""What happens around training."""

from .fit_preprocessor import FitPreprocessorHook
from .seed_iteration import SeedIterationHook

__all__ = ["FitPreprocessorHook", "SeedIterationHook"]
