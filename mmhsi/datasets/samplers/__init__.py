"""Samplers whose indices carry what a sample's randomness and size depend on."""

from .multi_size import MultiSizeBatchSampler, SizedIndex, equal_token_batch_sizes
from .seeded import SeededIndex, SeededInfiniteSampler, SeededSampler
from .seeding import sample_seed, seed_everything, seed_torch
from .sensor_batches import SensorBatchSampler

__all__ = [
    "MultiSizeBatchSampler",
    "SeededIndex",
    "SeededInfiniteSampler",
    "SeededSampler",
    "SensorBatchSampler",
    "SizedIndex",
    "equal_token_batch_sizes",
    "sample_seed",
    "seed_everything",
    "seed_torch",
]
