"""Warns when self-distillation collapses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.hooks import Hook

from mmhsi.errors import ConfigError
from mmhsi.registry import HOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmengine.runner import Runner

FLOORS = {"information": 0.05, "feature_std": 0.05, "effective_rank": 1.2}
PEAKS = "collapse_guard_peaks"


@HOOKS.register_module()
class CollapseGuardHook(Hook):
    """Watches the measures that :class:`mmhsi.models.DINOv2` logs, and warns when one falls.

    A measure has fallen when its mean over the last ``interval`` steps is below its floor or below ``drop`` of the
    highest such mean so far, which checkpoints keep. It is reported once when it falls and once when it is back.

    The features of a new network hardly depend on the image, so there are no warnings before ``begin``.

    Args:
        interval: Steps between two looks. Default 50.
        begin: First step, counted from 0, from which on there are warnings. Default 500.
        floors: Floors by measure, in place of the defaults: ``information`` 0.05, ``feature_std`` 0.05,
            ``effective_rank`` 1.2. Each holds for all streams, and for CLS and patch tokens.
        drop: Default 0.3.

    Raises:
        ConfigError: If an argument is out of range.
    """

    priority = "LOW"  # after the step's measures are logged

    def __init__(
        self, interval: int = 50, begin: int = 500, floors: Mapping[str, float] | None = None, drop: float = 0.3
    ) -> None:
        unknown = set(floors or {}) - set(FLOORS)
        if unknown:
            raise ConfigError(f"CollapseGuardHook: floors names {min(unknown)!r}, expected some of {', '.join(FLOORS)}")
        if interval < 1 or begin < 0 or not 0 <= drop < 1:
            raise ConfigError(
                f"CollapseGuardHook: interval={interval}, begin={begin}, drop={drop} given, expected at least 1, at "
                "least 0 and 0 to below 1"
            )
        self.interval = interval
        self.begin = begin
        self.floors = {**FLOORS, **(floors or {})}
        self.drop = drop
        self.fallen: set[str] = set()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Look at the measures every ``interval`` steps."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        peaks: dict[str, float] = dict(runner.message_hub.runtime_info.get(PEAKS, {}))
        for name, history in runner.message_hub.log_scalars.items():
            floor = next((least for measure, least in self.floors.items() if name.endswith(measure)), None)
            if floor is None:
                continue
            value = float(history.mean(self.interval))
            peaks[name] = max(value, peaks.get(name, value))
            limit = max(floor, self.drop * peaks[name])
            if runner.iter < self.begin:
                continue
            short = name.removeprefix("train/")
            if value < limit and name not in self.fallen:
                self.fallen.add(name)
                # Formatted here: mmengine's logger passes over a warning whose template it has seen.
                runner.logger.warning(
                    f"The teacher may be collapsing: {short} fell to {value:.3g}, below {limit:.3g} (highest "
                    f"{peaks[name]:.3g})"
                )
            elif value >= limit and name in self.fallen:
                self.fallen.remove(name)
                runner.logger.info(f"{short} is back at {value:.3g}")
        runner.message_hub.update_info(PEAKS, peaks)
