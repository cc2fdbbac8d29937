"""A checkpoint as a run writes it, and what becomes of it when its bytes change.

By hand, for longer: ``python tests/fuzz/checkpoint_mutants.py 100000``, from the root of the checkout.
"""

from __future__ import annotations

import io
import sys
import time
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from torch import nn

from mmhsi.errors import MMHSIError
from mmhsi.models.weights import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator


def written(path: Path) -> Path:
    """A checkpoint with all that mmengine puts into one: weights, optimiser, schedules, histories, metadata."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    optimizer = torch.optim.AdamW(model.parameters())
    sum(value.square().sum() for value in model.parameters()).backward()
    optimizer.step()
    hub = MessageHub("mutants", log_scalars={}, runtime_info={}, resumed_keys={})
    for step in range(5):
        hub.update_scalar("train/loss", 1 / (1 + step), 3)
    hub.update_info_dict(dict(iter=5, best_score=np.float64(0.25), dataset_meta=dict(scale=np.float32(2.5))))
    state = OrderedDict(model.state_dict(), half=torch.ones(3).half(), tied=model[0].weight, none=torch.zeros(0, 3))
    state.update(flags=torch.tensor([True, False]), turned=torch.arange(6.0).view(2, 3).T, waves=torch.ones(2) * 1j)
    meta = dict(epoch=1, iter=5, seed=0, time="now", dataset_meta=ConfigDict(classes=("a", "b"), bands=[0, 1], a=None))
    schedules = [dict(milestones=torch.optim.lr_scheduler.Counter([3, 5]), base_values=[0.1], last_step=5)]
    whole = dict(meta=meta, state_dict=state, optimizer=optimizer.state_dict(), param_schedulers=schedules)
    torch.save(dict(whole, message_hub=hub.state_dict(), grid=np.asfortranarray(np.eye(3, 2, dtype=np.uint8))), path)
    return path


def fingerprint(value: object) -> object:
    """A value in which a changed bit, type or shape shows."""
    if isinstance(value, torch.Tensor):
        values = value.contiguous().flatten().view(torch.uint8).tolist() if value.numel() else []
        return value.dtype, tuple(value.shape), value.stride(), values
    if isinstance(value, np.ndarray | np.generic):
        return type(value), value.dtype, value.shape, value.tobytes()
    if isinstance(value, dict):
        versions = fingerprint(getattr(value, "_metadata", None))
        return type(value), versions, [(key, fingerprint(entry)) for key, entry in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [fingerprint(entry) for entry in value]
    return type(value), repr(value)


def flipped(whole: bytes, rng: np.random.Generator, count: int) -> Iterator[bytes]:
    """The file with a bit turned over, in half of all cases one outside the values of tensors."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        directory = archive.start_dir
    for number in range(count):
        low = directory if number % 2 else 0
        place, bit = int(rng.integers(low, len(whole))), 1 << int(rng.integers(8))
        yield whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]


def rewritten(whole: bytes, rng: np.random.Generator, count: int) -> Iterator[bytes]:
    """The file with bytes of the pickle changed, put in or taken out, and with sums that are right again."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    pickled = next(name for name in members if name.endswith("data.pkl"))
    for _ in range(count):
        content = bytearray(members[pickled])
        for _ in range(rng.integers(1, 4)):
            start, length = int(rng.integers(len(content))), int(rng.integers(3))
            kind = rng.integers(3)
            other = int(rng.integers(len(content)))
            part = [rng.bytes(length), content[other : other + 20 * length], b""][kind]
            content[start : start + int(rng.integers(3))] = part
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, bytes(content) if name == pickled else data)
        yield buffer.getvalue()


def outcome(path: Path, content: bytes) -> object:
    """The fingerprint of what is read; None where it is refused in one line."""
    path.write_bytes(content)
    try:
        return fingerprint(read_checkpoint(path))
    except MMHSIError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError(f"not one line: {error}") from error
        return None


def main(count: int, folder: Path) -> None:
    """Count what becomes of ``count`` mutants of either kind."""
    whole = written(folder / "whole.pth").read_bytes()
    expected = outcome(folder / "mutant.pth", whole)
    rng, slowest = np.random.default_rng(), 0.0
    for name, make in (("flipped", flipped), ("rewritten", rewritten)):
        found = dict(refused=0, same=0, other=0)
        for content in make(whole, rng, count):
            start = time.monotonic()
            got = outcome(folder / "mutant.pth", content)
            slowest = max(slowest, time.monotonic() - start)
            found["refused" if got is None else "same" if got == expected else "other"] += 1
        print(f"{name}: {found}, slowest {slowest:.2f} s")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]), Path(place))
