"""Loading weights so that nothing is skipped in silence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmhsi.errors import ConfigError, DataError, FileFormatError
from mmhsi.io.files import existing_file, reading, reason, replacing

from ..protocols import ResizableModel
from ..pruning import pruned_prefixes
from .archive import Archive
from .layouts import CONTAINERS
from .stand_ins import NotPlainError

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUST = "rewrite it once with mmhsi trust_checkpoint"
PROGRAMS = ("cfg", "config")
"""Entries of mmengine's metadata whose text its runners and inferencers execute."""
REMOTE = re.compile(r"[\w.+-]+:(//|s3:)")
"""What begins as mmengine's names of other places do."""


def read_checkpoint(path: str | Path, map_location: str | torch.device = "cpu", allow_nonfinite: bool = False) -> dict:
    """Read a checkpoint as data: nothing in the file is run or imported (:mod:`mmhsi.models.weights.pickled`).

    Args:
        path: File written by mmengine's CheckpointHook, a bare state dict, or one under ``model`` (MAE, timm) or
            ``teacher`` (DINOv2); or ``.safetensors``, as the Hugging Face hub has them.
        map_location: Where its tensors go. Default: the CPU.
        allow_nonfinite: Whether weights may be NaN or infinite, to look into what a run left that came to that.

    Returns:
        The checkpoint, with ``state_dict`` and ``meta``; a bare state dict becomes the former. mmengine's histories of
        logged values are dicts. Of the metadata, the config's text is left out, which mmengine would run as Python.

    Raises:
        FileFormatError: If the file is missing, damaged, of torch's old format, no file of this machine, or holds more
            than weights and plain metadata, or weights that are not finite.
        DataError: If memory does not last.
        ConfigError: If a file is of safetensors, which is not installed.
    """
    if REMOTE.match(str(path)) and not Path(path).exists():
        raise FileFormatError(f"checkpoint {path}: only files on this machine are read; download it and give its path")
    existing_file(path, "a checkpoint")
    try:
        checkpoint = _content(path, torch.device(map_location))
    except NotPlainError as error:
        raise FileFormatError(
            f"checkpoint {path}: not weights and plain data alone ({reason(error)}), loading it could run code; if you "
            f"trust who made it, {TRUST}"
        ) from error
    except ImportError as error:
        raise ConfigError(f"checkpoint {path}: reading it needs safetensors; pip install 'mmhsi[hub]'") from error
    except MemoryError as error:
        raise DataError(f"checkpoint {path}: memory does not last to read it") from error
    except Exception as error:  # zipfile, numpy and torch raise many kinds; none of them names the file
        if Path(path).suffix != ".safetensors" and _is_bare_pickle(path):
            raise FileFormatError(
                f"checkpoint {path}: not weights in torch's zip format but a bare pickle, as torch wrote before 1.6, "
                f"which has no checksums and could run code; if you trust who made it, {TRUST}"
            ) from error
        raise FileFormatError(f"checkpoint {path}: damaged, or no checkpoint ({reason(error)})") from error
    if not isinstance(checkpoint, dict):
        raise FileFormatError(f"checkpoint {path}: holds a {type(checkpoint).__name__}, expected a dict of weights")
    if "state_dict" not in checkpoint:
        inner = [checkpoint[name] for name in CONTAINERS if isinstance(checkpoint.get(name), dict)]
        checkpoint = {"state_dict": inner[0] if inner else checkpoint}
    state, meta = checkpoint["state_dict"], checkpoint.setdefault("meta", {})
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise FileFormatError(f"checkpoint {path}: its state_dict is not a dict of named weights")
    if not isinstance(meta, dict):
        raise FileFormatError(f"checkpoint {path}: its meta is a {type(meta).__name__}, expected a dict")
    broken = None if allow_nonfinite else next((key for key in state if not _is_finite(state[key])), None)
    if broken is not None:
        raise FileFormatError(f"checkpoint {path}: {broken} holds NaN or infinite values; take one from before it did")
    checkpoint["meta"] = {key: value for key, value in meta.items() if key not in PROGRAMS}
    return checkpoint


def _content(path: str | Path, device: torch.device) -> object:
    """What a file of torch, or of safetensors, holds."""
    if Path(path).suffix != ".safetensors":
        return Archive(path, device).content()
    from safetensors.torch import load_file

    return load_file(path, device=str(device))


def _is_finite(value: object) -> bool:
    if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
        return True
    return bool(torch.isfinite(value).all())


def _is_bare_pickle(path: str | Path) -> bool:
    with Path(path).open("rb") as file:
        return file.read(1) == b"\x80"  # every pickle since protocol 2 begins so


def trusted_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a file whose author is trusted: any code in it runs.

    Args:
        path: Checkpoint that :func:`read_checkpoint` refuses, its weights under ``state_dict`` or ``model``, or a bare
            state dict.

    Returns:
        Its tensors by name, on the CPU.

    Raises:
        FileFormatError: If the file cannot be read or holds no tensors.
    """
    with reading(path, "not a readable checkpoint"):
        checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    state = checkpoint if isinstance(checkpoint, dict) else {}
    state = next((state[key] for key in ("state_dict", "model") if isinstance(state.get(key), dict)), state)
    state = {key: value.contiguous() for key, value in state.items() if isinstance(value, Tensor)}
    if not state:
        raise FileFormatError(f"checkpoint {path}: holds no tensors, expected a state dict")
    return state


def write_checkpoint(checkpoint: dict, path: str | Path) -> None:
    """Write a checkpoint whole or not at all.

    Args:
        checkpoint: Weights and plain metadata, as :func:`read_checkpoint` gives them.
        path: File to write; folders that are missing are made.

    Raises:
        DataError: The disk refuses.
    """
    with replacing(path) as temporary:
        torch.save(checkpoint, temporary)


def strip_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Keep the entries under ``prefix`` and cut it off.

    Args:
        state: A state dict.
        prefix: Such as ``'backbone.'``.
    """
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def check_weight(name: str, value: object, own: Tensor) -> None:
    """Refuse what cannot take a weight's place, whatever its shape.

    Args:
        name: File and weight, for the message.
        value: What the file holds.
        own: The model's weight.

    Raises:
        ConfigError: If it is no tensor, or its numbers are of another kind: whole for real ones, complex.
    """
    if not isinstance(value, Tensor):
        raise ConfigError(f"{name} is a {type(value).__name__}, expected a tensor")
    if value.is_floating_point() != own.is_floating_point() or value.is_complex():
        raise ConfigError(f"{name} holds {str(value.dtype)[6:]}, expected {str(own.dtype)[6:]}")


def check_tensors(name: str, state: Mapping[str, object]) -> None:
    """Refuse weights by name that are none.

    Args:
        name: The file, for the message.
        state: What it holds.

    Raises:
        ConfigError: If one is no tensor.
    """
    for key, value in state.items():
        if not isinstance(value, Tensor):
            raise ConfigError(f"{name}: {key} is a {type(value).__name__}, expected a tensor")


def load_weights(module: nn.Module, path: str | Path, prefix: str = "", strict: bool = True) -> None:
    """Load a checkpoint into a module, and log what did not fit, if anything.

    Args:
        module: Receives the weights.
        path: Checkpoint file.
        prefix: Part of the checkpoint to use, e.g. ``'backbone.'``.
        strict: Whether every weight of the module must be found. Otherwise those that are missing are reported and
            keep their values. Weights of another shape are an error in both cases.

    Raises:
        FileFormatError: If the file cannot be read.
        ConfigError: If nothing fits, a shape differs, or ``strict`` and something is missing.
    """
    state = strip_prefix(read_checkpoint(path)["state_dict"], prefix)
    for name, part in module.named_modules():
        if isinstance(part, ResizableModel):
            part.make_room(strip_prefix(state, f"{name}." if name else ""))
    own = module.state_dict()
    found = own.keys() & state.keys()
    if not found:
        under = f" under {prefix!r}" if prefix else ""
        raise ConfigError(f"checkpoint {path}: nothing{under} fits {type(module).__name__}; is it of another model?")
    for key in sorted(found):
        check_weight(f"checkpoint {path}: {prefix}{key}", state[key], own[key])
        if own[key].shape != state[key].shape:
            raise ConfigError(
                f"checkpoint {path}: {prefix}{key} has shape {tuple(state[key].shape)}, the model expects "
                f"{tuple(own[key].shape)}; do bands, patch size and width agree?"
            )
    # A list of layers without flags has none that is pruned; of pruned layers a stripped checkpoint has nothing.
    gone = pruned_prefixes(state)
    missing = sorted(
        key for key in own.keys() - state.keys() if not key.startswith(gone) and not key.endswith(".pruned")
    )
    if missing and strict:
        raise ConfigError(f"checkpoint {path}: lacks {len(missing)} of the model's weights, such as {missing[0]}")
    module.load_state_dict({key: state[key] for key in found}, strict=False)
    unused = len(state) - len(found)
    if missing or unused:
        into = f"{len(found)} tensors loaded into {type(module).__name__}"
        print_log(f"{path}: {into}, {len(missing)} left new, {unused} unused", logger="current")
