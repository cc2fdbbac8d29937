"""What the datasets that run a pipeline have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.dataset import BaseDataset

from mmhsi.registry import own_scope

from .samplers import seed_everything
from .tile_channels import check_channels
from .transforms.scope import value_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mmhsi.spec import InputSpec


class SeededDataset(BaseDataset):
    """mmengine's dataset, its pipeline seeded by the sample's index where the sampler seeds that.

    A sample that cannot be read is an error; mmengine would replace it by another one in silence.

    Args:
        pipeline: Transforms; each declares its scope.
        lazy_init: mmengine's flag.

    Attributes:
        value_steps: Steps of the pipeline without which a model would be given other values.

    Raises:
        ConfigError: If a transform declares no scope, or channels would depend on a crop or an augmentation.
    """

    _spec: InputSpec | None = None

    def __init__(self, pipeline: Sequence[dict | Callable], lazy_init: bool) -> None:
        with own_scope():
            super().__init__(pipeline=list(pipeline), test_mode=True, lazy_init=True)
        name, steps = type(self).__name__, self.pipeline.transforms
        self.value_steps = value_steps(name, pipeline, steps)
        check_channels(name, steps, self.value_steps)
        if not lazy_init:
            self.full_init()

    @property
    def spec(self) -> InputSpec:
        """What a model trained on this is given; ``load_data_list``, which reads the headers of files, makes it."""
        self.full_init()
        assert self._spec is not None
        return self._spec

    @property
    def metainfo(self) -> dict:
        """:attr:`spec` as plain data, which mmengine puts into checkpoints and gives to metrics and visualizers."""
        return self.spec.to_meta()

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline."""
        seed = getattr(idx, "seed", None)
        if seed is not None:
            seed_everything(seed)
        return super().prepare_data(idx)
