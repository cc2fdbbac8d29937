"""Reading config files, those of the user and those that packages carry."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger

from mmhsi.carried import carried_folder
from mmhsi.errors import ConfigError


def load_config(config: str | Path | Config) -> Config:
    """Read a config file; a config that has been read is given back.

    Args:
        config: Its path; or ``package::path``, as in mmengine's ``_base_``, for one that an installed package carries,
            such as ``mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py``.

    Raises:
        ConfigError: If the package is not installed.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(config, Config):
        return config
    package, carried, path = str(config).partition("::")
    if carried:
        spec = find_spec(package) if package.isidentifier() else None
        if spec is None or spec.origin is None:
            raise ConfigError(f"{config}: no package {package!r} is installed")
        config = carried_folder(Path(spec.origin).parent, "configs") / path
    logger = MMLogger.get_current_instance()
    logger.addFilter(_not_of_the_data_folder)
    try:
        return Config.fromfile(config)
    finally:
        logger.removeFilter(_not_of_the_data_folder)


def training_dataset(cfg: Config) -> dict:
    """Config of the data set that a config trains on.

    Args:
        cfg: The config.

    Raises:
        ConfigError: If it has none.
    """
    if cfg.get("train_dataloader") is None:
        raise ConfigError(f"{cfg.filename}: has no train_dataloader")
    return cfg.train_dataloader.dataset


def land_cover_metric(cfg: Config) -> dict | None:
    """The config's metric of labelled test data, which a pretraining's has not.

    Args:
        cfg: The config.
    """
    evaluators = cfg.get("test_evaluator") or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    return next((evaluator for evaluator in evaluators if evaluator["type"] == "LandCoverMetric"), None)


def training_window(cfg: Config) -> tuple[int, int] | None:
    """Height and width in pixels of the windows that a config trains on; None where it does not say.

    Args:
        cfg: The config.
    """
    dataset = cfg.get("train_dataloader", {}).get("dataset", {})
    reading = [step["size"] for step in dataset.get("pipeline", []) if step["type"] == "RandomReadWindow"]
    size = dataset.get("window") or (reading or [None])[0] or cfg.model.backbone.get("img_size")
    if size is None:
        return None
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _not_of_the_data_folder(record: logging.LogRecord) -> bool:
    """Keep every message but the one that mmengine prints for each data set where ``MMHSI_DATA`` is set."""
    return not record.getMessage().startswith("Using env variable `MMHSI_DATA`")
