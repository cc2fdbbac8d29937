"""From a published file to a checkpoint of this package, and from a name to its backbone and weights."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader
from torch import Tensor

from mmhsi.errors import ConfigError, FileFormatError, counted
from mmhsi.io.doubts import doubt
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec

from .checkpoint import check_weight, read_checkpoint, strip_prefix
from .families import public_weights
from .layouts import translate
from .public_layouts import PUBLIC_MODELS, public_state

CARRIED = Path(__file__).parent / "carried"
"""Weights that come with this package."""

FOLDER = "MMHSI_WEIGHTS"
"""Environment variable of the folder of converted weights; ``weights`` without it."""

OWN = ("layers.pruned", "spatial_layers.pruned", "spectral_layers.pruned", "mask_token", "pos_grid")
"""What public code has not, or not always."""

INPUT_OPTIONS = ("input_layer", "wavelengths", "source_wavelengths")
"""What ``init_cfg`` may say beside ``pretrained``."""

LAYERS = re.compile(r"(\w+_)?layers\.\d+\.")
"""Beginning of the names of an encoder's layers."""


def convert(name: str, path: str | Path) -> dict[str, Any]:
    """Read a published file, safely, and name its weights as they are here.

    Args:
        name: Of the weights, one of :data:`mmhsi.models.weights.families.WEIGHTS`, or of a comparison model, one of
            :data:`mmhsi.models.weights.PUBLIC_MODELS`.
        path: The published file.

    Returns:
        A checkpoint, its weights under ``backbone.``, what they were trained on as its ``dataset_meta``; of a
        comparison model all its weights, for ``load_from``.

    Raises:
        ConfigError: If the name is unknown or of weights that come with this package, or the file is not of these
            weights: one is missing, of another shape or kind, or of a layer that there is not. Others, such as a
            classifier's head, are left out with a warning.
        FileFormatError: If the file cannot be read as weights alone.
    """
    refuse_carried(name)
    state = read_checkpoint(path)["state_dict"]
    for key, value in state.items():
        if not isinstance(value, Tensor):
            raise FileFormatError(f"{path}: {key} is a {type(value).__name__}, expected a tensor")
    if name in PUBLIC_MODELS:
        return dict(meta={}, state_dict=public_state(name, state))
    weights = public_weights(name)
    for prefix in ("module.", "teacher."):
        if state and all(key.startswith(prefix) for key in state):
            state = strip_prefix(state, prefix)
    state = strip_prefix(state, "backbone.") or state  # beside which mmpretrain has a head
    state = translate(state)
    centres = weights.wavelengths
    config = copy.deepcopy(weights.backbone)
    if centres is not None:
        config.setdefault("in_channels", len(centres))
    with DefaultScope.overwrite_default_scope("mmhsi"), torch.device("meta"):
        own: dict[str, Tensor] = MODELS.build(config).state_dict()
    lacking = [key for key in own if key not in state and key not in OWN]
    if lacking:
        raise ConfigError(
            f"{path}: lacks {len(lacking)} weights of {name}, such as {lacking[0]}; is it of another model?"
        )
    deeper = [key for key in state if key not in own and LAYERS.match(key)]
    if deeper:
        raise ConfigError(f"{path}: holds {deeper[0]}, {name} has no such layer; is it of another size?")
    left = sorted(state.keys() - own.keys())
    if left:
        some = f"{', '.join(left[:4])}{', …' if len(left) > 4 else ''}"
        doubt(path, "left out", f"{name} has no place for {counted(len(left), 'weight')}, left out: {some}")
    for key in own.keys() & state.keys():
        check_weight(f"{path}: {key}", state[key], own[key])
        if state[key].shape != own[key].shape:
            raise ConfigError(
                f"{path}: {key} has shape {tuple(state[key].shape)}, {name} has {tuple(own[key].shape)}; is it of "
                "another size?"
            )
    spec = InputSpec(
        classes=(),
        bands=(),
        file_bands=0,
        num_bands=len(centres or ()),
        scene=weights.citation,
        protocol=f"public weights {name}; license: {weights.license}; input: {weights.normalisation}",
        model_wavelengths=centres,
    )
    kept = {f"backbone.{key}": state[key] for key in own if key in state}
    return dict(meta=dict(public=name, dataset_meta=spec.to_meta()), state_dict=kept)


def refuse_carried(name: str) -> None:
    """Check that weights have to be got or converted.

    Args:
        name: As :func:`convert` takes it.

    Raises:
        ConfigError: If they come with this package, or the name is unknown.
    """
    if name not in PUBLIC_MODELS and public_weights(name).carried:
        raise ConfigError(f"{name}: comes with mmhsi ({weights_file(name)}); a config names it as pretrained={name!r}")


def weights_file(name: str) -> Path:
    """Where the converted weights of a name lie, whether they are there or not.

    Args:
        name: As :func:`convert` takes it.

    Raises:
        ConfigError: If the name is unknown.
    """
    carried = name not in PUBLIC_MODELS and public_weights(name).carried
    return Path(CARRIED if carried else os.environ.get(FOLDER, "weights")) / f"{name}.pth"


def named_weights(name: str) -> Path:
    """Where the converted weights of a name lie.

    Args:
        name: One of :data:`mmhsi.models.weights.families.WEIGHTS`.

    Raises:
        ConfigError: If the name is unknown, or the file is not there: how to get it.
    """
    path = weights_file(name)
    if not path.is_file():
        hub = f"mmhsi weights get {name}, or " if public_weights(name).hub else ""
        raise ConfigError(
            f"{path}: the weights {name} are not there; {hub}{how_to_convert(name)} (another folder: {FOLDER})"
        )
    return path


def how_to_convert(name: str) -> str:
    """What to do for weights that are downloaded by hand, for messages.

    Args:
        name: One of :data:`mmhsi.models.weights.families.WEIGHTS`.
    """
    weights = public_weights(name)
    return f"download {weights.url or f'it by way of {weights.homepage}'}, then mmhsi weights convert {name} FILE"


@CheckpointLoader.register_scheme("mmhsi://", force=True)
def load_named(address: str, map_location: str | torch.device | None = None) -> dict:
    """Read weights for mmengine's ``get_model(…, pretrained=True)``, whose metafiles address them by name.

    Args:
        address: ``mmhsi://NAME``.
        map_location: Where the tensors go. Default: the CPU.

    Raises:
        ConfigError: If the name is unknown, or the file is not there.
    """
    return read_checkpoint(named_weights(address.removeprefix("mmhsi://")), map_location or "cpu")


def expand_pretrained(backbone: dict[str, Any]) -> None:
    """Replace ``pretrained='dofa-vit-b'`` of a backbone's config by the backbone that it names, and its weights.

    Args:
        backbone: Changed in place; what it says beside the name stays, and what ``init_cfg`` says of the input layer.

    Raises:
        ConfigError: If the name is unknown, or ``init_cfg`` says more.
    """
    name = backbone.pop("pretrained", None)
    if name is None:
        return
    weights = public_weights(name)
    more = backbone.get("init_cfg") or {}
    if not isinstance(more, dict) or not more.keys() <= set(INPUT_OPTIONS):
        allowed = ", ".join(INPUT_OPTIONS)
        raise ConfigError(f"backbone: give either pretrained={name!r} or init_cfg; beside a name it may say {allowed}")
    for key, value in copy.deepcopy(weights.backbone).items():
        backbone.setdefault(key, value)
    backbone["init_cfg"] = dict(
        type="Pretrained",
        checkpoint=str(weights_file(name)),
        prefix="backbone.",
        **{"input_layer": weights.input_layer, **more},
    )
