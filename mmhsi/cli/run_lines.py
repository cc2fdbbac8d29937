"""A run as a person reads it: one live line a phase, or one line an epoch where there is no terminal."""

from __future__ import annotations

import mmhsi.light_optimizers  # noqa: F401, before anything of mmengine

# isort: split
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from mmhsi.errors import counted
from mmhsi.spec import InputSpec

from .console import duration, live, new_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from mmengine.runner import FlexibleRunner, Runner
    from rich.progress import Progress, TaskID

HIGHER_IS_BETTER = ("OA", "mIoU", "AA", "Kappa", "PSNR", "SSIM")
"""Metrics of which the best is named; the first that a run has leads."""
LINES = 20
"""So many lines has a training that counts iterations, where there is no terminal."""


@contextmanager
def run_lines(runner: Runner | FlexibleRunner) -> Iterator[None]:
    """Have a run print its lines within the block, by the first of several processes; its log keeps what stops it."""
    lines = RunLines(Path(runner.cfg.filename or "run").stem)
    if is_main_process():
        runner.register_hook(lines)
    try:
        yield
    except Exception as error:
        runner.logger.info("The run ends here.", exc_info=error)
        raise
    finally:
        lines.close()


class RunLines(Hook):
    """Prints what a training or a test does; everything else is in the log file.

    Args:
        name: Of the config, for the first line.
    """

    priority = "LOW"  # before the checkpoint hook, which validates where a run that is resumed had not yet

    def __init__(self, name: str) -> None:
        self.name = name
        self.by_epoch = True
        self.total = 0
        self.best: dict[str, tuple[float, int]] = {}
        self.latest: dict[str, float] = {}
        self.losses: deque[float] = deque(maxlen=100)
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def before_train(self, runner: Runner) -> None:
        """Say what is trained, on what."""
        dataset = runner.train_dataloader.dataset
        spec = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
        facts = [counted(len(dataset), "training sample")]
        if spec is not None and spec.num_bands:
            facts.append(counted(spec.num_bands, "band"))
        if spec is not None and spec.classes:
            facts.append(counted(len(spec.classes), "class", "classes"))
        loop = runner.train_loop
        self.by_epoch = isinstance(loop, EpochBasedTrainLoop)
        self.total = loop.max_epochs if self.by_epoch else loop.max_iters
        facts.append(self._length())
        weights = next(runner.model.parameters(), None)  # classical classifiers have none
        facts.append("cpu" if weights is None else str(weights.device))
        print(f"{self.name}: {', '.join(facts)}", flush=True)
        self.began = self.epoch_began = time.monotonic()
        self.first = runner.iter
        self.all_steps = self.total * len(runner.train_dataloader) if self.by_epoch else self.total
        self._show("training", self.all_steps, runner.iter)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: dict | None = None
    ) -> None:
        """Move the line."""
        done = runner.iter + 1
        loss = (outputs or {}).get("loss")
        if loss is not None:
            self.losses.append(float(loss))
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, text=self._state(runner.epoch + 1, done))
        elif not self.by_epoch and done * LINES // self.total > (done - 1) * LINES // self.total:
            self._print(runner.epoch, done)

    def after_train_epoch(self, runner: Runner) -> None:
        """One line, where nobody looks at a live one."""
        if self.by_epoch and not self._validates(runner):
            self._print(runner.epoch + 1, runner.iter)

    def before_val(self, runner: Runner) -> None:
        """Begin a validation."""
        self._describe("validating")

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note what was measured."""
        # mmengine has already counted the epoch that was trained.
        epoch = runner.epoch
        self.latest = {key: value for key, value in (metrics or {}).items() if isinstance(value, int | float)}
        for key, value in self.latest.items():
            if _short(key) in HIGHER_IS_BETTER and (key not in self.best or value > self.best[key][0]):
                self.best[key] = value, epoch if self.by_epoch else runner.iter
        self._describe("training")
        if self.by_epoch:
            self._print(epoch, runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Say what came out and what was written."""
        self.close()
        seconds = time.monotonic() - self.began
        result = f"trained {self._length()} in {duration(seconds)}"
        measured = _values(self.latest) or self._loss()  # a classical classifier has no loss
        print(f"{result}: {measured}{self._best()}" if measured else result)
        folder = Path(runner.work_dir)
        pointer = folder / "last_checkpoint"
        if pointer.is_file():
            print(f"weights: {_near(Path(pointer.read_text(encoding='utf-8').strip()))}")
        print(f"log: {_near(Path(runner.logger.log_file))}", flush=True)

    def before_test(self, runner: Runner) -> None:
        """Begin a test."""
        self._show("testing", len(runner.test_dataloader), 0)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Move the line."""
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=batch_idx + 1)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Say what was measured, how, and where the rest is."""
        self.close()
        dataset: Sized = runner.test_dataloader.dataset
        spec = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
        print(f"test: {_values(metrics or {})}")
        if spec is not None and spec.protocol:
            print(f"protocol: {spec.protocol}")
        print(f"log: {_near(Path(runner.logger.log_file))}", flush=True)

    def close(self) -> None:
        """Take the live line away."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = self._task = None

    def _show(self, what: str, total: int, done: int) -> None:
        self.close()
        if live():
            self._shown = new_progress()
            self._task = self._shown.add_task(what, total=total, completed=done, text="")
            self._shown.start()

    def _describe(self, what: str) -> None:
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, description=what)

    def _validates(self, runner: Runner) -> bool:
        """Whether a validation follows this epoch, whose line then says what it measured."""
        loop = runner.train_loop
        epoch = runner.epoch + 1
        due = epoch % loop.val_interval == 0 or epoch == self.total
        return runner.val_loop is not None and epoch >= loop.val_begin and due

    def _length(self) -> str:
        return counted(self.total, "epoch" if self.by_epoch else "step")

    def _loss(self) -> str:
        return f"loss {sum(self.losses) / len(self.losses):.4g}" if self.losses else ""

    def _best(self) -> str:
        key = next((key for name in HIGHER_IS_BETTER for key in self.best if _short(key) == name), None)
        if key is None:
            return ""
        value, when = self.best[key]
        return f" (best {_short(key)} {value:.2f} at {when})"

    def _state(self, epoch: int, done: int) -> str:
        """Everything behind the bar."""
        passed = time.monotonic() - self.began
        rate = (done - self.first) / passed if passed > 0 else 0.0
        parts = [f"epoch {epoch}/{self.total}"] if self.by_epoch else [f"step {done}/{self.total}"]
        parts += [self._loss(), self._best().strip(" ()"), f"{rate:.1f} steps/s"]  # what matters least is cut first
        return "  ".join(part for part in parts if part)

    def _print(self, epoch: int, done: int) -> None:
        if self._shown is not None:
            return
        passed = time.monotonic() - self.began
        rate = (done - self.first) / passed if passed > 0 else 0.0
        left = (self.all_steps - done) / rate if rate else 0.0
        at = epoch if self.by_epoch else done
        unit = "epoch" if self.by_epoch else "step"
        parts = [f"{unit} {at:>{len(str(self.total))}}/{self.total}", self._loss(), f"{rate:.1f} steps/s"]
        parts += [f"{_values(self.latest)}{self._best()}", f"{duration(left)} left"]
        print("  ".join(part for part in parts if part), flush=True)


def _short(key: str) -> str:
    return key.rpartition("/")[2]


def _values(metrics: dict[str, float]) -> str:
    shown = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
    alone = len({_short(key) for key in shown}) == len(shown)  # else the targets, of which each has an R2, are named
    return "  ".join(f"{_short(key) if alone else key} {value:.4g}" for key, value in shown.items())


def _near(path: Path) -> Path:
    """A path as short as it can be written from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
