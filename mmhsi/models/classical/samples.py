"""Training samples as the state of a model: few labels are kept, and what is learnt from them is learnt again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from .learner import Learner

ROOM = ("samples", "classes")
"""Buffers whose length is that of the training."""


class KeepsSamples(nn.Module):
    """Mixin of models that learn from a table of samples.

    The table is in the state dict, so that a checkpoint holds plain tensors: the samples as the preprocessor gave them,
    their classes, and the seed. The learner is fitted to it when scores are first asked for.
    """

    samples: Tensor
    classes: Tensor
    seed: Tensor

    def keep_none(self) -> None:
        """Begin without samples; the seed comes from torch's generator, which the runner has seeded."""
        self.register_buffer("samples", torch.zeros(0, 0))
        self.register_buffer("classes", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("seed", torch.randint(2**31 - 1, ()))
        self._learnt = False

    def keep(self, samples: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Take samples in.

        Args:
            samples: Shape (n, F).
            classes: Shape (n,).

        Returns:
            What is logged of the step: how many there are.

        Raises:
            ConfigError: If several processes train.
        """
        if get_world_size() > 1:
            raise ConfigError("classical models learn from all samples at once; train them in one process")
        known = self.samples if len(self.samples) else samples[:0]
        self.samples = torch.cat([known, samples.detach()])
        self.classes = torch.cat([self.classes, classes])
        self._learnt = False
        return {"samples": torch.tensor(float(len(self.samples)))}

    def make_room(self, state: dict[str, Tensor]) -> None:
        """Give the samples the shape of those in a checkpoint, which are then loaded.

        Args:
            state: The checkpoint's weights by name.
        """
        for name in ROOM:
            given = state.get(name)
            if isinstance(given, Tensor) and given.dim() == getattr(self, name).dim():
                setattr(self, name, getattr(self, name).new_zeros(given.shape))
        self._learnt = False

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        self.make_room({name: state_dict[prefix + name] for name in ROOM if prefix + name in state_dict})
        super()._load_from_state_dict(state_dict, prefix, *args)

    def scores(self, learner: Learner, samples: Tensor, num_classes: int) -> Tensor:
        """Class probabilities.

        Args:
            learner: Is fitted before, if it has not been.
            samples: Shape (n, F).
            num_classes: K.

        Returns:
            float32 tensor (n, K) on the samples' device.

        Raises:
            ConfigError: If there are no samples to learn from, or those of the checkpoint do not fit.
        """
        if not self._learnt:
            if not len(self.samples):
                raise ConfigError("the model has no training samples: train it, or load a checkpoint")
            self._check(samples.shape[1], num_classes)
            learner.learn(self.samples.cpu().numpy(), self.classes.cpu().numpy(), num_classes, int(self.seed))
            self._learnt = True
        made = learner.probabilities(samples.float().cpu().numpy())
        return torch.from_numpy(made).float().to(samples.device)

    def _check(self, features: int, num_classes: int) -> None:
        """Whether what a checkpoint brought is a table of samples."""
        count = len(self.samples)
        if self.samples.shape != (count, features) or self.classes.shape != (count,):
            raise ConfigError(
                f"the model's training samples have shape {tuple(self.samples.shape)}, their classes "
                f"{tuple(self.classes.shape)}; expected (n, {features}) and (n,): the checkpoint is damaged"
            )
        low, high, seed = int(self.classes.min()), int(self.classes.max()), int(self.seed)
        if low < 0 or high >= num_classes or not 0 <= seed < 2**32:
            raise ConfigError(
                f"the model's training samples have classes {low} to {high} and the seed {seed}; expected 0 to "
                f"{num_classes - 1} and a seed from 0: the checkpoint is damaged"
            )
