"""Reading config files, those of the user and those that packages carry."""

from __future__ import annotations

import os
import re
import traceback
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config
from mmengine.logging import MMLogger

from mmhsi.arguments import size_pair
from mmhsi.errors import ConfigError
from mmhsi.io.files import reason
from mmhsi.packaged import missing_config, packaged_folder

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

DATASET = "MMHSI_DATASET"
"""Environment variable by which a config that is written for several data sets is told of one."""


def load_config(config: str | Path | Config) -> Config:
    """Read a config file; a config that has been read is given back.

    Args:
        config: Its path; a backbone's ``pretrained='dofa-vit-b'`` becomes the backbone that has these weights
            (:data:`mmhsi.models.weights.families.WEIGHTS`).
            Or ``package::path``, as in mmengine's ``_base_``, for one that an installed package carries,
            such as ``mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py``.

    Raises:
        ConfigError: If the package is not installed, there is no such file, it is no Python file (YAML and JSON are
            not read, since they look like data and mmengine runs what they name), or it cannot be read.
    """
    if isinstance(config, Config):
        return config
    package, carried, path = str(config).partition("::")
    spec = find_spec(package) if carried and package.isidentifier() else None
    if carried and (spec is None or spec.origin is None):
        raise ConfigError(f"{config}: no package {package!r} is installed")
    file = packaged_folder(Path(spec.origin).parent, "configs") / path if spec and spec.origin else Path(config)
    if file.suffix != ".py":
        # mmengine's reader of YAML builds whatever objects the text names.
        raise ConfigError(f"{config}: no config; expected a Python file (.py)")
    try:
        with _quiet_about_our_variables():
            cfg = _without_scope_of_functions(Config.fromfile(file))
        for part in _with_pretrained(cfg.get("model")):
            from mmhsi.models.weights import expand_pretrained  # which imports all models

            expand_pretrained(part)
        return cfg
    except ConfigError:
        raise
    except FileNotFoundError as error:
        missing = missing_config(config, Path(error.filename or file))
        raise _unknown_dataset(config, error) or ConfigError(missing) from None
    except Exception as error:  # whatever its code raises
        raise ConfigError(f"{config}: {type(error).__name__}{_line(error)}: {reason(error)}") from error


def _with_pretrained(model: object) -> list[dict]:
    """A model's backbone, or those that it consists of, where they are named by their public weights."""
    backbone = model.get("backbone") if isinstance(model, dict) else None
    parts = [backbone, *backbone.values()] if isinstance(backbone, dict) else []
    return [part for part in parts if isinstance(part, dict) and "pretrained" in part]


def _without_scope_of_functions(cfg: Config) -> Config:
    """Take away the scope with which mmengine marks what comes from a ``_base_`` of a package.

    Collate functions it would get as an argument.
    """
    for name, loader in cfg.items():
        if name.endswith("_dataloader") and isinstance(loader, dict) and isinstance(loader.get("collate_fn"), dict):
            loader["collate_fn"].pop("_scope_", None)
    return cfg


def chosen_dataset(cfg: Config) -> str | None:
    """Data of a config that is written for several: what ``MMHSI_DATASET`` says, or the config's default; else None.

    Args:
        cfg: As it was read from its file.
    """
    defaults = re.findall(rf"{{{{\s*\${DATASET}:(\S+?)\s*}}}}", cfg.text or "")
    return os.environ.get(DATASET, defaults[-1]) if defaults else None


def run_name(cfg: Config) -> str:
    """Name of a config's runs: that of its file, and of its data where it is written for several.

    Args:
        cfg: As it was read from its file.
    """
    dataset = chosen_dataset(cfg)
    return Path(cfg.filename).stem + (f"_{dataset}" if dataset else "")


def training_dataset(cfg: Config) -> dict:
    """Config of the data set that a config trains on.

    Raises:
        ConfigError: If it has none.
    """
    if cfg.get("train_dataloader") is None:
        raise ConfigError(f"{cfg.filename}: has no train_dataloader")
    return cfg.train_dataloader.dataset


def wrapped_datasets(dataset: dict | None) -> Iterator[dict]:
    """A data set's config and those of the data sets that it wraps, as mmengine's wrappers name them.

    Args:
        dataset: The config; None for none.
    """
    if not isinstance(dataset, dict):
        return
    yield dataset
    for inner in (dataset.get("dataset"), *(dataset.get("datasets") or ())):
        yield from wrapped_datasets(inner)


def reporting_metric(cfg: Config) -> dict | None:
    """The config's metric of labelled test data, or of values, which a pretraining's has not."""
    evaluators = cfg.get("test_evaluator") or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    return next(
        (evaluator for evaluator in evaluators if evaluator["type"] in ("LandCoverMetric", "ValueMetric")), None
    )


def read_window(cfg: Config) -> tuple[int, int] | None:
    """Height and width in pixels of the random windows that a config's training reads; None where it reads none."""
    dataset = (cfg.get("train_dataloader") or {}).get("dataset") or {}
    parts = dataset.get("sensors")  # a MixedDataset's, all of one size
    if isinstance(parts, dict) and parts:
        dataset = next(iter(parts.values())).get("dataset") or {}
    for step in dataset.get("pipeline") or ():
        if isinstance(step, dict) and step.get("type") == "RandomReadWindow":
            return size_pair("RandomReadWindow", step["size"])
    return None


def _unknown_dataset(config: str | Path, error: FileNotFoundError) -> ConfigError | None:
    """What to say where a base file is missing because no data set has the name that was chosen; None if not so."""
    name = os.environ.get(DATASET)
    missing = Path(error.filename or "")
    if not name or not missing.name.startswith(name):
        return None
    ending = missing.name.removeprefix(name)
    names = sorted(path.name.removesuffix(ending) for path in missing.parent.glob(f"*{ending}"))
    close = get_close_matches(name, names, n=3, cutoff=0.3) or names
    return ConfigError(f"{config}: has no data set {name!r}, expected the name of one, such as {', '.join(close)}")


def _line(error: Exception) -> str:
    """The line of a config in which an error was raised; empty if none was."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name == "<module>"]
    return f" in line {lines[-1]}" if lines else ""


@contextmanager
def _quiet_about_our_variables() -> Iterator[None]:
    """Keep back what mmengine prints wherever a config reads one of our environment variables that is set.

    Where none is, nobody asks for the logger, which imports torch.
    """
    if not any(name.startswith("MMHSI_DATA") for name in os.environ):
        yield
        return
    logger = MMLogger.get_current_instance()
    logger.addFilter(_not_of_our_variables)
    try:
        yield
    finally:
        logger.removeFilter(_not_of_our_variables)


def _not_of_our_variables(record: logging.LogRecord) -> bool:
    """Keep every message but the one that mmengine prints wherever a config reads one of the two variables."""
    return not record.getMessage().startswith("Using env variable `MMHSI_DATA")
