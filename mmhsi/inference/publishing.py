"""Checkpoints to hand on: weights, and as plain data what they need to run."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.config import Config

from mmhsi.carried_config import check_carried_config
from mmhsi.config_files import load_config
from mmhsi.engine.numbers import resolve_from_spec
from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.io.files import replacing
from mmhsi.models.adapters import adapted, check_lora, merged_state
from mmhsi.models.weights import checkpoint_spec, read_checkpoint, write_checkpoint
from mmhsi.version import __version__

from .model_card import model_card

if TYPE_CHECKING:
    from mmhsi.spec import InputSpec

KEPT = ("epoch", "iter", "seed", "time")

RENAMED = {"CentreContext": "CenterContext"}
"""Names of modules in models that were published under them."""

RENAMED_ARGUMENTS = {"mark_centre": "mark_center", "neighbours": "neighbors"}
"""Likewise of their arguments."""


def model_spec(checkpoint: dict, path: str | Path) -> InputSpec:
    """What a model that gives classes or values was trained on.

    Args:
        checkpoint: Of :func:`mmhsi.models.weights.read_checkpoint`.
        path: Its file, for messages.

    Raises:
        ConfigError: If the checkpoint does not say, or says nothing of bands, or of classes or targets.
    """
    spec = checkpoint_spec(checkpoint, path)
    for name, there in (("classes", spec.classes or spec.targets), ("bands", spec.bands)):
        if not there:
            raise ConfigError(f"checkpoint {path}: says nothing of {name}; was it written by mmhsi train?")
    return spec


def publish_checkpoint(config: str | Path | Config, checkpoint: str | Path, out: str | Path) -> Path:
    """Write a checkpoint that needs no config: optimiser and schedules are left out, the model's config is put in.

    Low-rank adapters are merged into the weights that they change. A model card, ``.md`` in place of the file's suffix,
    is written beside it; one that is there stays.

    Args:
        config: Config file or object of the training.
        checkpoint: What the training wrote.
        out: File to write; the first digits of the content's SHA-256 are put before its suffix.

    Returns:
        The file's path.

    Raises:
        ConfigError: If the checkpoint does not say what it was trained on, or the config states other numbers.
        DataError: The disk refuses.
        FileFormatError: If the checkpoint cannot be read, or nobody could build the model from the file.
    """
    cfg = copy.deepcopy(load_config(config))
    whole = read_checkpoint(checkpoint)
    meta = whole["meta"]
    spec = model_spec(whole, checkpoint)
    resolve_from_spec(cfg, spec, f"checkpoint {checkpoint}")
    model = _without_init(cfg.model.to_dict())
    state = whole["state_dict"]
    if adapted(state):
        state = merged_state(state, check_lora(str(checkpoint), model.pop("lora", None) or {}))
    check_carried_config(model, f"{cfg.filename}: the model cannot be published, it")
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode() + value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    out = Path(out)
    path = out.with_name(f"{out.stem}-{digest.hexdigest()[:8]}{out.suffix or '.pth'}")
    kept = {name: meta[name] for name in KEPT if name in meta}
    published = dict(kept, mmhsi_version=__version__, model=model, dataset_meta=spec.to_meta())
    write_checkpoint({"meta": published, "state_dict": state}, path)
    card = path.with_suffix(".md")
    if not card.exists():  # else somebody may have filled it in
        with replacing(card) as temporary:
            temporary.write_text(model_card(path.name, spec, kept), encoding="utf-8")
    return path


def published_model(checkpoint: str | Path) -> Config:
    """The config that a published checkpoint carries: its ``model`` alone.

    Raises:
        FileFormatError: If the file cannot be read, was not published, or its model is more than parts of a network.
    """
    model = read_checkpoint(checkpoint)["meta"].get("model")
    if not isinstance(model, dict):
        raise FileFormatError(
            f"checkpoint {checkpoint}: carries no model; give the config of its training, or publish it with "
            "mmhsi publish_model"
        )
    if "type" not in model or not isinstance(model.get("backbone"), dict):
        raise FileFormatError(f"checkpoint {checkpoint}: its model has no type, or no backbone")
    present = _renamed(model)
    check_carried_config(present, f"checkpoint {checkpoint}: its model")
    return Config(dict(model=present))


def _renamed(part: Any) -> Any:
    """A model's config under present names."""
    if isinstance(part, list | tuple):
        return type(part)(map(_renamed, part))
    if not isinstance(part, dict):
        return part
    made = {RENAMED_ARGUMENTS.get(key, key): _renamed(value) for key, value in part.items()}
    if isinstance(name := made.get("type"), str):
        made["type"] = RENAMED.get(name, name)
    return made


def _without_init(config: Any) -> Any:
    """A model's config without what it is initialised by: the weights are in the file."""
    if isinstance(config, dict):
        return {key: _without_init(value) for key, value in config.items() if key != "init_cfg"}
    return type(config)(map(_without_init, config)) if isinstance(config, list | tuple) else config
