"""Loading weights so that nothing is skipped in silence."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import torch
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_torch_safe_globals
from torch import Tensor, nn

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.io.files import existing_file, reading, replacing

from ..pruning import pruned_prefixes


def read_checkpoint(path: str | Path, map_location: str | torch.device = "cpu") -> dict:
    """Read a checkpoint as data: a file that carries code is refused.

    Args:
        path: File written by mmengine's CheckpointHook, or a bare state dict.
        map_location: Where its tensors go. Default: the CPU.

    Returns:
        The checkpoint, with ``state_dict`` and ``meta``; a bare state dict becomes the former.

    Raises:
        FileFormatError: If the file is missing, damaged, or holds more than weights and plain metadata.
    """
    existing_file(path, "a checkpoint")
    try:
        check_records(path)
        with torch.serialization.safe_globals(get_torch_safe_globals()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error)) or re.search(r"WeightsUnpickler error:\s*(.+)", str(error))
        what = found.group(1).strip() if found else type(error).__name__
        raise FileFormatError(
            f"checkpoint {path}: not weights and plain data alone ({what}), loading it could run code; if you "
            "trust who made it, rewrite it once with tools/converters/trust_checkpoint.py"
        ) from error
    except Exception as error:  # torch raises many kinds; none of them names the file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FileFormatError(f"checkpoint {path}: damaged, or no checkpoint ({reason})") from error
    if not isinstance(checkpoint, dict):
        raise FileFormatError(f"checkpoint {path}: holds a {type(checkpoint).__name__}, expected a dict of weights")
    if "state_dict" not in checkpoint:
        checkpoint = {"state_dict": checkpoint}
    state, meta = checkpoint["state_dict"], checkpoint.setdefault("meta", {})
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise FileFormatError(f"checkpoint {path}: its state_dict is not a dict of named weights")
    if not isinstance(meta, dict):
        raise FileFormatError(f"checkpoint {path}: its meta is a {type(meta).__name__}, expected a dict")
    return checkpoint


def check_records(path: str | Path) -> None:
    """Compare every part of a checkpoint with the sum written beside it, which torch does not.

    Args:
        path: The checkpoint.

    Raises:
        ValueError: If a part is packed: torch packs none, and a small file could unpack to any size.
        zipfile.BadZipFile: If the file is cut off or bytes have changed.
    """
    if not zipfile.is_zipfile(path):  # the old format has no sums
        return
    with zipfile.ZipFile(path) as archive:
        packed = [info.filename for info in archive.infolist() if info.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise ValueError(f"record {packed[0]} is packed, torch packs none")
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} is damaged: its checksum differs")


def trusted_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a file whose author is trusted: any code in it runs.

    Args:
        path: Checkpoint or bare state dict that :func:`read_checkpoint` refuses.

    Returns:
        Its tensors by name, on the CPU.

    Raises:
        FileFormatError: If the file cannot be read or holds no tensors.
    """
    with reading(path, "not a readable checkpoint"):
        checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    state = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else {}
    state = {key: value for key, value in state.items() if isinstance(value, Tensor)}
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


@CheckpointLoader.register_scheme(prefixes="", force=True)
def load_local_checkpoint(filename: str, map_location: str | torch.device | None = None) -> dict:
    """What mmengine calls for files, as on ``--resume``, in place of its own loader, which runs code in a file.

    Args:
        filename: The file.
        map_location: Device for the tensors, None for the CPU.
    """
    return read_checkpoint(filename, map_location or "cpu")


def strip_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Keep the entries under ``prefix`` and cut it off.

    Args:
        state: A state dict.
        prefix: Such as ``'backbone.'``.
    """
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def load_weights(module: nn.Module, path: str | Path, prefix: str = "", strict: bool = True) -> None:
    """Load a checkpoint into a module and say what did not fit.

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
    own = module.state_dict()
    found = own.keys() & state.keys()
    if not found:
        under = f" under {prefix!r}" if prefix else ""
        raise ConfigError(f"checkpoint {path}: nothing{under} fits {type(module).__name__}; is it of another model?")
    for key in sorted(found):
        if not isinstance(state[key], Tensor):
            raise ConfigError(f"checkpoint {path}: {prefix}{key} is a {type(state[key]).__name__}, expected a tensor")
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
    print_log(
        f"{path}: {len(found)} tensors loaded into {type(module).__name__}, {len(missing)} left new, {unused} unused",
        logger="current",
    )
