"""Whether two processes with half the batch each train as one process with the whole batch; prints a Markdown table.

Tiny models; every random draw is in use but dropout, which is each rank's own. Plain gradient descent with momentum:
AdamW divides by the size of a gradient and so turns rounding of one that is 0 into a step of full size.
Pixels without data and unlabelled pixels are spread unevenly over the samples.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from distributed_cases import CASES, SAMPLES, Case
from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

from mmhsi.cli.console import show_own_warnings
from mmhsi.engine import build_runner, prepare_distributed
from mmhsi.engine.unwrap import unwrap_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmengine.runner import Runner

BATCH, EPOCHS = 8, 3
HOOKS = [dict(type="FitPreprocessorHook"), dict(type="SeedIterationHook"), dict(type="SyncBatchNormHook")]


class LossHook(Hook):
    """Notes every step's loss."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Note it."""
        assert outputs is not None
        self.losses.append(float(outputs["loss"].detach()))


def config(case: Case, work_dir: Path, launcher: str, batch: int = BATCH, accumulate: int = 1) -> Config:
    """The run of a case, with the share of the batch of one of as many processes as there are."""
    world = int(os.environ.get("WORLD_SIZE", 1)) if launcher == "pytorch" else 1
    loader = dict(
        batch_size=batch // world,
        num_workers=0,
        sampler=dict(type="SeededSampler"),
        dataset=dict(type="EqualitySamples", kind=case.data, length=3 * BATCH if case.batch_sampler else SAMPLES),
    )
    if case.batch_sampler:
        loader["batch_sampler"] = case.batch_sampler
    shards = case.sharded and world > 1
    strategy = dict(type="FSDPStrategy", state_dict_cfg="full", model_wrapper=dict(type="ShardedDataParallel"))
    return Config(
        dict(
            default_scope="mmhsi",
            launcher=launcher,
            work_dir=str(work_dir),
            experiment_name=work_dir.name,
            model=case.model,
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
            optim_wrapper=dict(
                type="ShardedOptimWrapper" if shards else "OptimWrapper",
                optimizer=dict(type="SGD", lr=0.05, momentum=0.9),
                clip_grad=dict(max_norm=1.0),
                accumulative_counts=accumulate,
            ),
            default_hooks=dict(checkpoint=None, logger=None),
            custom_hooks=[*HOOKS, *case.hooks],
            env_cfg=dict(),
            randomness=dict(seed=3),
            log_level="ERROR",
            **(dict(runner_type="FlexibleRunner", strategy=strategy) if shards else {}),
            **dict(case.settings),
        )
    )


def train(cfg: Config) -> dict:
    """Train; give this process's losses, its model's parameters and its buffers."""
    prepare_distributed(cfg)
    runner = build_runner(cfg)
    noted = LossHook()
    runner.register_hook(noted)
    runner.train()
    sharded = isinstance(runner.model, FullyShardedDataParallel)
    with FullyShardedDataParallel.summon_full_params(runner.model) if sharded else nullcontext():
        model = unwrap_model(runner)
        weights = {name.replace("_fsdp_wrapped_module.", ""): value for name, value in model.named_parameters()}
        return dict(
            losses=torch.tensor(noted.losses),
            weights={name: value.detach().clone() for name, value in weights.items()},
            buffers={name.replace("_fsdp_wrapped_module.", ""): value for name, value in model.named_buffers()},
        )


def train_all(folder: Path, launcher: str) -> dict[str, dict]:
    """Train all cases in turn; a process of several also writes what it got to ``rank_R.pt``."""
    with DefaultScope.overwrite_default_scope("mmhsi"):
        results = {
            name: train(config(case, folder / f"{launcher}_{index}", launcher))
            for index, (name, case) in enumerate(CASES.items())
        }
    torch.save(results, folder / f"rank_{get_rank()}.pt")
    return results


def greatest_difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Of the values of two sets of tensors."""
    return max(float((one[name].float() - other[name].float()).abs().max()) for name in one)


def compare(whole: dict, ranks: Sequence[dict]) -> dict:
    """What one process got and what several got: greatest differences, and whether these have the same weights."""
    curve = torch.stack([rank["losses"] for rank in ranks]).mean(0)
    return dict(
        steps=len(curve),
        losses=float((curve - whole["losses"]).abs().max()),
        weights=greatest_difference(whole["weights"], ranks[0]["weights"]),
        moved=float(whole["losses"][0] - whole["losses"][-1]),
        identical=all(
            torch.equal(value, rank[part][name])
            for rank in ranks[1:]
            for part in ("weights", "buffers")
            for name, value in ranks[0][part].items()
        ),
    )


def launch(processes: int, folder: Path) -> list[dict[str, dict]]:
    """Train all cases with torchrun; give every rank's results."""
    folder.mkdir()
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc_per_node={processes}", "--standalone"]
    command += ["--local_addr=127.0.0.1", __file__, "--worker", str(folder)]  # the own name may be unknown
    environment = dict(os.environ, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    subprocess.run(command, env=environment, check=True)
    return [torch.load(folder / f"rank_{rank}.pt", weights_only=True) for rank in range(processes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", type=Path, help="train in this process, under torchrun, and write here")
    args = parser.parse_args()
    show_own_warnings()
    if args.worker:
        train_all(args.worker, "pytorch")
        return
    with tempfile.TemporaryDirectory() as name:
        (whole,), ranks = launch(1, Path(name) / "one"), launch(2, Path(name) / "two")
    print("| method | steps | losses differ by | weights differ by | ranks identical | tolerance | reason |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, case in CASES.items():
        result = compare(whole[name], [rank[name] for rank in ranks])
        tolerance = "none" if case.tolerance is None else f"{case.tolerance:.0e}"
        print(
            f"| {name} | {result['steps']} | {result['losses']:.1e} | {result['weights']:.1e} | "
            f"{'yes' if result['identical'] else 'no'} | {tolerance} | {case.reason} |"
        )


if __name__ == "__main__":
    main()
