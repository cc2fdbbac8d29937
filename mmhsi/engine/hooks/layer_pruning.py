"""Prunes the least important layers while a model trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.nn.parallel import DistributedDataParallel

from mmhsi.errors import ConfigError
from mmhsi.models.pruning import check_num_layers, count_parameters, prunable_stages, prune
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from torch import nn


@HOOKS.register_module()
class LayerPruningHook(Hook):
    """Every ``interval`` epochs, prunes the ``num_layers`` least important layers (LO-SST paper §3.2).

    ``num_layers`` is the total that is pruned at any time, as in the paper's Table 3, not a number added each time. At
    every turn all layers are ranked anew, pruned ones by their originals: one that is no longer among the least
    important comes back with exactly the weights it had. Pruned layers are skipped, not trained, and do not decay.
    Pruning happens at the start of an epoch, so that training always follows: with 100 epochs and interval 10, before
    the epochs 10, 20, … 90, counted from 0.

    Which layers are pruned is part of the model's state dict: a resumed run goes on as an uninterrupted one. Every
    process decides alike from the same weights. ``num_layers=0, begin=0`` restores all layers of a pruned checkpoint.

    Args:
        num_layers: Pruned layers k, over all stages together; one layer of each stage always stays.
        interval: Epochs between two prunings. Default 10.
        begin: First epoch, counted from 0, before which layers are pruned. Default: ``interval``.
        end: Epoch from which on the choice is left as it is. Default: none.
        module: Path of the backbone in the model, such as ``'backbone'``; needed where a model has several that can be
            pruned.

    Raises:
        ConfigError: If an argument is out of range.
    """

    priority = "NORMAL"

    def __init__(
        self, num_layers: int, interval: int = 10, begin: int | None = None, end: int | None = None, module: str = ""
    ) -> None:
        begin = interval if begin is None else begin
        if num_layers < 0 or interval < 1 or begin < 0 or (end is not None and end <= begin):
            raise ConfigError(
                f"LayerPruningHook: num_layers={num_layers}, interval={interval}, begin={begin}, end={end} given, "
                "expected num_layers >= 0, interval >= 1, 0 <= begin < end"
            )
        self.num_layers = num_layers
        self.interval = interval
        self.begin = begin
        self.end = end
        self.module = module

    def before_train(self, runner: Runner) -> None:
        """Check model and launch.

        Raises:
            ConfigError: If there is nothing to prune, too few layers, a loop without epochs, or a wrapper that cannot
                have layers without gradients.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ConfigError("LayerPruningHook: train_cfg counts iterations, expected by_epoch=True with max_epochs")
        check_num_layers(prunable_stages(self._model(runner)), self.num_layers)
        for wrapper in runner.model.modules():
            if isinstance(wrapper, FullyShardedDataParallel):
                raise ConfigError(
                    "LayerPruningHook: FSDP gives pruned layers zero gradients, so weight decay would change them; "
                    "use MMDistributedDataParallel"
                )
            if isinstance(wrapper, DistributedDataParallel) and not wrapper.find_unused_parameters:
                raise ConfigError(
                    "LayerPruningHook: pruned layers get no gradients; set find_unused_parameters=True, in "
                    "model_wrapper_cfg where there is one"
                )

    def before_train_epoch(self, runner: Runner) -> None:
        """Prune at every ``interval``-th epoch from ``begin`` to ``end``."""
        epoch = runner.epoch
        if epoch < self.begin or (self.end is not None and epoch >= self.end) or (epoch - self.begin) % self.interval:
            return
        model = self._model(runner)
        stages = prunable_stages(model)
        before = {name: set(stage.pruned_indices) for name, stage in stages.items()}
        chosen = prune(model, self.num_layers)
        saved = sum(count_parameters(stages[name][index]) for name, indices in chosen.items() for index in indices)
        returned = {name: before[name] - set(indices) for name, indices in chosen.items()}
        runner.logger.info(
            "Pruned layers: %s; %d of the model's %d parameters rest; returned: %s",
            _listing(chosen),
            saved,
            count_parameters(model),
            _listing(returned),
        )

    def _model(self, runner: Runner) -> nn.Module:
        """The model, or the part of it that ``module`` names."""
        model = unwrap_model(runner)
        try:
            return model.get_submodule(self.module)
        except AttributeError:
            raise ConfigError(f"LayerPruningHook: {type(model).__name__} has no module={self.module!r}") from None


def _listing(indices: dict[str, list[int]] | dict[str, set[int]]) -> str:
    """One line such as ``'spatial 0, 3, spectral 1'``."""
    return ", ".join(f"{name} {', '.join(map(str, sorted(some)))}" for name, some in indices.items() if some) or "none"
