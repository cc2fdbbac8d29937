"""Training samples as the state of a model: few labels are kept, and what is learnt from them is learnt again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmhsi.errors import ConfigError, DataError, counted
from mmhsi.io.files import reason

if TYPE_CHECKING:
    from mmengine.optim import OptimWrapper
    from numpy.typing import NDArray

    from .learner import Learner
    from .value_learner import ValueLearner


class KeepsSamples(nn.Module):
    """Mixin of models that learn from a table of samples, the centre pixels of the training windows.

    The table is in the state dict, so that a checkpoint holds plain tensors: the samples as the preprocessor gave them,
    what is known of each, and the seed. The learner is fitted to it when scores are first asked for.

    Attributes:
        truth_name: Buffer of what is known of the samples.
    """

    samples: Tensor
    seed: Tensor
    truth_name = "classes"

    @property
    def truth(self) -> Tensor:
        """What is known of the samples: classes (n,), or values (n, T, 2) with whether each is known."""
        return getattr(self, self.truth_name)

    def learnable(self) -> NDArray:
        """What is known of the samples as a learner takes it."""
        return self.truth.cpu().numpy()

    def keep_none(self, truth: Tensor | None = None) -> None:
        """Begin without samples; the seed comes from torch's generator, which the runner has seeded.

        Args:
            truth: What is known of no samples: an empty tensor of the right type. Default: no classes.
        """
        self.register_buffer("samples", torch.zeros(0, 0))
        self.register_buffer(self.truth_name, torch.zeros(0, dtype=torch.int64) if truth is None else truth)
        self.register_buffer("seed", torch.randint(2**31 - 1, ()))
        self._learnt = False

    def train_step(self, data: dict, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Keep a batch; nothing is optimised."""
        preprocessor: nn.Module = self.data_preprocessor  # type: ignore[assignment]
        batch = preprocessor(data, True)
        return self.keep_batch(centres(batch["inputs"]), batch["data_samples"])

    def keep_batch(self, samples: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Take a batch in with what is known of it.

        Args:
            samples: Shape (n, F).
            data_samples: n samples as the preprocessor makes them.

        Returns:
            What is logged of the step.
        """
        raise NotImplementedError

    def seen_window(self, window: tuple[int, int]) -> tuple[int, int]:
        """One pixel.

        Args:
            window: (h, w) in pixels.
        """
        return (1, 1)

    def keep(self, samples: Tensor, truth: Tensor) -> dict[str, Tensor]:
        """Take samples in.

        Args:
            samples: Shape (n, F).
            truth: Classes (n,), or values (n, T, 2) with whether each is known.

        Returns:
            What is logged of the step: how many there are.

        Raises:
            ConfigError: If several processes train.
        """
        if get_world_size() > 1:
            raise ConfigError("classical models learn from all samples at once; train them in one process")
        known = self.samples if len(self.samples) else samples[:0]
        self.samples = torch.cat([known, samples.detach()])
        setattr(self, self.truth_name, torch.cat([self.truth, truth]))
        self._learnt = False
        return {"samples": torch.tensor(float(len(self.samples)))}

    def make_room(self, state: dict[str, Tensor]) -> None:
        """Give the samples the shape of those in a checkpoint, which are then loaded."""
        for name in ("samples", self.truth_name):
            given = state.get(name)
            if isinstance(given, Tensor) and given.dim() == getattr(self, name).dim():
                setattr(self, name, getattr(self, name).new_zeros(given.shape))
        self._learnt = False

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        names = ("samples", self.truth_name)
        self.make_room({name: state_dict[prefix + name] for name in names if prefix + name in state_dict})
        super()._load_from_state_dict(state_dict, prefix, *args)

    def scores(self, learner: Learner | ValueLearner, samples: Tensor, count: int) -> Tensor:
        """Class probabilities, or values.

        Args:
            learner: Is fitted before, if it has not been.
            samples: Shape (n, F).
            count: K classes, or T targets.

        Returns:
            float32 tensor (n, K), or (n, T), on the samples' device.

        Raises:
            ConfigError: If there are no samples to learn from, or those of the checkpoint do not fit.
            DataError: If the learner refuses the samples, or makes no numbers of them, as of infinite ones.
        """
        if not self._learnt:
            if not len(self.samples):
                raise ConfigError("the model has no training samples: train it, or load a checkpoint")
            self._check(samples.shape[1], count)
            learner.learn(self.samples.cpu().numpy(), self.learnable(), count, int(self.seed))
            self._learnt = True
        try:
            made = learner.scores(samples.float().cpu().numpy())
        except ValueError as error:  # scikit-learn's, of what its methods do not take
            raise DataError(
                f"the model cannot take the scene's values as it normalises them: {reason(error)}"
            ) from error
        wrong = len(made) - int(np.isfinite(made).all(axis=1).sum())
        if wrong:
            raise DataError(
                "the model cannot take the scene's values as it normalises them: what it makes of "
                f"{counted(wrong, 'pixel')} of {len(made)} is no number"
            )
        return torch.from_numpy(made).float().to(samples.device)

    def _check(self, features: int, count: int) -> None:
        """Whether what a checkpoint brought is a table of samples."""
        number, truth, seed = len(self.samples), self.truth, int(self.seed)
        shape = (number,) if truth.dim() == 1 else (number, count, 2)
        if self.samples.shape != (number, features) or truth.shape != shape:
            raise ConfigError(
                f"the model's training samples have shape {tuple(self.samples.shape)}, their {self.truth_name} "
                f"{tuple(truth.shape)}; expected (n, {features}) and {shape}: the checkpoint is damaged"
            )
        wrong = truth.dim() == 1 and (int(truth.min()) < 0 or int(truth.max()) >= count)
        if wrong or not 0 <= seed < 2**32:
            raise ConfigError(
                f"the model's training samples have {self.truth_name} {truth.min():g} to {truth.max():g} and the seed "
                f"{seed}; expected 0 to {count - 1} and a seed from 0: the checkpoint is damaged"
            )


def centres(windows: Tensor) -> Tensor:
    """Centre pixels of windows, (B, C).

    Args:
        windows: Shape (B, C, h, w).
    """
    return windows[:, :, windows.shape[2] // 2, windows.shape[3] // 2]
