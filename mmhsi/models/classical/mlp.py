"""A small network on single samples, regularised for few labels."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mmhsi.arguments import check_number, check_sizes
from mmhsi.registry import MODELS

from .learner import Learner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BATCH = 128
AVERAGE = 0.99
"""Share of the averaged weights that a step keeps."""
TOLD = 25
"""Steps after which is told how far a training is."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: more of them sum in another order, and are slower at products as small as here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@MODELS.register_module()
class MLP(Learner):
    """F-128-128-K with LayerNorm, GELU and dropout; several networks, their averaged weights, mean of probabilities.

    AdamW, one cycle; batches of 128 with every class equally often, a feature's noise and every sample's gain, whole
    blocks of features dropped, mixup (H. Zhang et al., ICLR 2018), label smoothing.

    Args:
        width: Of both hidden layers. Default 128.
        networks: How many are averaged. Default 3.
        steps: Of training, each. Default 250.
        dropout: Default 0.5.
        noise: Standard deviation of Gaussian noise on the features. Default 0.2.
        gain: Standard deviation of the factor of a whole sample. Default 0.1.
        blocks: Equal runs of neighbouring features that are dropped as one. Default 5.
        block_dropout: Probability of each. Default 0.2.
        smoothing: Of the labels. Default 0.05.
        learning_rate: Highest. Default 3e-3.
        weight_decay: Default 0.1.

    Raises:
        ConfigError: If a number cannot be meant so.
    """

    def __init__(
        self,
        width: int = 128,
        networks: int = 3,
        steps: int = 250,
        dropout: float = 0.5,
        noise: float = 0.2,
        gain: float = 0.1,
        blocks: int = 5,
        block_dropout: float = 0.2,
        smoothing: float = 0.05,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes("MLP", width=width, networks=networks, steps=steps, blocks=blocks)
        for name, share in (("dropout", dropout), ("block_dropout", block_dropout), ("smoothing", smoothing)):
            check_number("MLP", name, share, 0, 1)
        for name, value in (("noise", noise), ("gain", gain), ("learning_rate", learning_rate)):
            check_number("MLP", name, value, 0)
        check_number("MLP", "weight_decay", weight_decay, 0)
        self.width, self.networks, self.steps = width, networks, steps
        self.dropout, self.noise, self.gain = dropout, noise, gain
        self.blocks, self.block_dropout, self.smoothing = blocks, block_dropout, smoothing
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.trained: tuple[nn.Module, ...] = ()  # no ModuleList: they are learnt anew, never saved

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Train the networks, on one thread of the CPU; arguments as for :meth:`Learner.learn`."""
        x, y = torch.from_numpy(samples), torch.from_numpy(labels)
        with one_thread(), torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
            torch.manual_seed(seed)
            self.trained = tuple(self._train(x.clone(), y.clone(), index) for index in range(self.networks))

    def _train(self, x: Tensor, y: Tensor, index: int) -> nn.Module:
        """One network, the ``index``-th."""
        layers: list[nn.Module] = []
        for inputs in (x.shape[1], self.width):
            layers += [nn.Linear(inputs, self.width), nn.LayerNorm(self.width), nn.GELU(), nn.Dropout(self.dropout)]
        network = nn.Sequential(*layers, nn.Linear(self.width, self.num_classes))
        averaged = copy.deepcopy(network).eval()
        optimizer = torch.optim.AdamW(network.parameters(), self.learning_rate, weight_decay=self.weight_decay)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.learning_rate, total_steps=self.steps)
        loss = nn.CrossEntropyLoss(label_smoothing=self.smoothing)
        weights = 1 / torch.bincount(y, minlength=self.num_classes).clamp(min=1)[y]
        for step in range(self.steps):
            chosen = torch.multinomial(weights.double(), BATCH, replacement=True)
            samples, other, share = self._augmented(x[chosen]), torch.randperm(BATCH), torch.rand(())
            scores = network(share * samples + (1 - share) * samples[other])
            total = share * loss(scores, y[chosen]) + (1 - share) * loss(scores, y[chosen][other])
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            cycle.step()
            kept = min(AVERAGE, step / (step + 10))
            with torch.no_grad():
                for mean, value in zip(averaged.parameters(), network.parameters(), strict=True):
                    mean.lerp_(value, 1 - kept)
            if step % TOLD == TOLD - 1:
                self.done((index + (step + 1) / self.steps) / self.networks)
        return averaged

    def _augmented(self, x: Tensor) -> Tensor:
        """Noise, gain, and blocks of features set to their mean."""
        count, width = x.shape
        x = x * (1 + self.gain * torch.randn(count, 1)) + self.noise * torch.randn_like(x)
        block = torch.arange(width) * self.blocks // width
        return x * (torch.rand(count, self.blocks) >= self.block_dropout).float()[:, block]

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean of the networks' softmax; arguments as for :meth:`Learner.probabilities`."""
        x = torch.from_numpy(np.ascontiguousarray(samples))
        with torch.no_grad():
            scores = [network(x).softmax(dim=1) for network in self.trained]
        return torch.stack(scores).mean(dim=0).double().numpy()
