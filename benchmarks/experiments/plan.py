"""How far a table is, and what the rest would take: data that are missing, what would be downloaded, and time."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.datasets import CATALOGUE
from mmhsi.datasets.catalogue import scene_info
from mmhsi.datasets.download.dataset import default_root, expected_files, how_to_obtain
from mmhsi.errors import counted

from .figures import SECONDS
from .index_files import read_index, read_metafile
from .table import FINISHED, ROOT, Step, read_config, read_finished, state, step_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mmengine.config import Config

    from .figures import Figures

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
PACE = 20e12
"""Operations a second that a run is counted at where none was measured; a large GPU's tensor cores give more."""
BACKWARD = 3
"""A step of training in forward passes: backward is counted as two."""
DISTILLATION = 15
"""One of DINOv2: 2 global views and 8 local ones of a third of their cost; the teacher's forward pass of the former."""


def open_steps(steps: Iterable[Step]) -> list[Step]:
    """Steps that are not finished, those before them first, each once."""
    found: dict[Path, Step] = {}

    def take(step: Step) -> None:
        if step.previous is not None:
            take(step.previous)
        if state(step) != "done":
            found.setdefault(step.folder, step)

    for step in steps:
        take(step)
    return list(found.values())


def progress(runs: Iterable[tuple[str, str, int, Step]], figures: Figures) -> Iterator[str]:
    """One line a row and column: which seeds are finished, begun and open in a folder, and which are recorded.

    Args:
        runs: Row, column, seed and last step of each.
        figures: Those recorded.
    """
    cells: dict[tuple[str, str], dict[str, list[int]]] = {}
    for row, column, seed, step in runs:
        cells.setdefault((row, column), {}).setdefault(state(step), []).append(seed)
    for cell, seeds in cells.items():
        groups: dict[str, list[int]] = {name: seeds[name] for name in ("done", "begun", "open") if name in seeds}
        if cell in figures:
            groups["recorded"] = sorted(figures[cell])
        yield f"{' | '.join(cell)}: " + "; ".join(f"{name} {' '.join(map(str, some))}" for name, some in groups.items())


def scene_names(step: Step) -> set[str]:
    """Names in the catalogue of the data that a step reads; of a command, those of its config."""
    config, dataset = step.config, step.dataset
    if step.command:
        words = step.command
        config = next((word for word in words[1:] if word.endswith(".py")), "")
        dataset = words[words.index("--dataset") + 1] if "--dataset" in words else None
    if not config:
        return set()
    cfg = read_config(config, dataset)
    scenes = [(cfg.get(loader) or {}).get("dataset", {}).get("scene") for loader in LOADERS]
    scenes += [(cfg.get(loader) or {}).get("dataset", {}).get("corpus") for loader in LOADERS]
    names = [scene if isinstance(scene, str) else (scene or {}).get("base") for scene in scenes]
    return {name for name in names if name in CATALOGUE}


def missing_data(steps: Iterable[Step], root: Path) -> Iterator[str]:
    """One line for each data set of which files are missing: what would be downloaded, or how to get it."""
    for name in sorted(set().union(*map(scene_names, steps))):
        info = scene_info(name)
        lacking = [path for path in expected_files(info) if not (root / path).exists()]
        if not lacking or name == "demo":  # which is simulated
            continue
        remote = [file for file in info.files if file.url is not None]
        if info.files and len(remote) == len(info.files):
            sizes = [file.size for file in remote]
            size = f"{sum(filter(None, sizes)) / 1e6:.0f} MB" if all(sizes) else "size not published"
            urls = ", ".join(str(file.url) for file in remote)
            fetch = f"mmhsi download_dataset {name} would fetch {urls} ({size})"
            yield f"{name}: lacks {', '.join(lacking)}; {fetch}"
        else:
            yield f"{how_to_obtain(name, info, root)}; lacks {', '.join(lacking)}"


def known_seconds(work_dir: Path) -> dict[str, float]:
    """Mean seconds of the runs of every name that are finished in a folder."""
    found: dict[str, list[float]] = {}
    for path in work_dir.glob(f"*/{FINISHED}"):
        found.setdefault(path.parent.name.rpartition("_seed")[0], []).append(read_finished(path.parent)["seconds"])
    return {name: statistics.fmean(values) for name, values in found.items()}


def known_operations() -> dict[str, int]:
    """Operations of a forward pass of one sample by a run's name, as the metafiles have them."""
    models = [model for path in read_index(ROOT / "model-index.yml") for model in read_metafile(ROOT / path)["Models"]]
    return {model["Name"]: model["Metadata"]["FLOPs"] for model in models}


def epoch_samples(cfg: Config) -> int | None:
    """Samples of an epoch by what is published of the data; None where it takes the data to know."""
    dataset = cfg.train_dataloader.dataset
    scene = dataset.get("scene")
    if not isinstance(scene, str):
        return None
    info = scene_info(scene)
    if dataset.type == "SceneDataset":
        if (dataset.get("split") or {}).get("type") == "FewShotSplit":
            return dataset.split.per_class * len(info.classes)
        if dataset.get("subset") != "all" or info.shape is None:
            return None
        pixels = -(-info.shape[0] // dataset.get("stride", 1)) * -(-info.shape[1] // dataset.get("stride", 1))
        return min(pixels, dataset.get("random_pixels") or pixels)
    if dataset.type != "TileDataset" or info.shape is None:
        return None
    tiles = 1 if info.form == "big scene" else next(p.tiles for p in info.subsets if p.name == dataset.get("subset"))
    if tiles is None:
        return None
    window = dataset.get("window")
    windows = 1 if window is None else (info.shape[0] // window) * (info.shape[1] // window)
    share = (dataset.get("split") or {}).get("train_share", 1)
    return round(tiles * windows * share) * len(dataset.get("turns", (0,)))


def counted_seconds(step: Step, operations: dict[str, int]) -> float | None:
    """Seconds of a training by its operations at :data:`PACE`; None where they are not known.

    Args:
        step: The step.
        operations: Of a forward pass of one sample, by name.
    """
    if step.command:
        return None
    cfg = read_config(step.config, step.dataset)
    forward = operations.get(step_name(step.config, step.dataset))
    samples = epoch_samples(cfg)
    epochs = step.options.get("train_cfg.max_epochs", cfg.train_cfg.get("max_epochs"))
    if forward is None or samples is None or epochs is None:
        return None
    passes = 1 if cfg.model.get("frozen") else BACKWARD
    if cfg.model.type == "DINOv2":
        passes = DISTILLATION
    return forward * passes * samples * int(str(epochs)) / PACE


def describe(runs: list[tuple[str, str, int, Step]], figures: Figures, work_dir: Path, root: Path | None = None) -> str:
    """Say what running some chains would take.

    Args:
        runs: Row, column, seed and last step of each.
        figures: Those recorded, whose seconds count where there are some.
        work_dir: Folder of all runs.
        root: Folder of the data. Default: ``MMHSI_DATA``, else ``data``.

    Returns:
        Lines of text.
    """
    root = Path(default_root()) if root is None else root
    steps = [step for *_, step in runs]
    waiting = open_steps(steps)
    lines = [f"{len(waiting)} runs to do for {len(steps)} cells and seeds, {sum(map(done, steps))} of these finished"]
    lacking = [*missing_data(waiting, root)]
    lines += [f"missing: {line}" for line in lacking] or [f"data: all there under {root}"]
    measured, operations = known_seconds(work_dir), known_operations()
    totals = {"recorded": 0.0, "measured": 0.0, "counted": 0.0}
    unknown: set[str] = set()
    others = []
    for row, column, _, step in runs:
        if kept := figures.get((row, column)):
            totals["recorded"] += 0 if done(step) else statistics.fmean(run[SECONDS] for run in kept.values())
        else:
            others.append(step)
    for step in open_steps(others):
        name = step.folder.name.rpartition("_seed")[0]
        if name in measured:
            totals["measured"] += measured[name]
        elif (seconds := counted_seconds(step, operations)) is not None:
            totals["counted"] += seconds
        else:
            unknown.add(name)
    if totals["recorded"]:
        lines.append(f"time: {hours(totals['recorded'])} by the table's records, one at a time, pretraining in each")
    if totals["measured"]:
        lines.append(f"time: {hours(totals['measured'])} by finished runs of the same configs, one at a time")
    if totals["counted"]:
        lines.append(f"time: {hours(totals['counted'])} by operations at {PACE:.0e} a second, reading and tests aside")
    if unknown:
        lines.append(f"time: not known of {counted(len(unknown), 'kind')} of runs: {', '.join(sorted(unknown))}")
    return "\n".join(lines)


def done(step: Step) -> bool:
    """Whether a step is finished."""
    return state(step) == "done"


def hours(seconds: float) -> str:
    """A duration in hours, with one decimal."""
    return f"{seconds / 3600:.1f} h"
