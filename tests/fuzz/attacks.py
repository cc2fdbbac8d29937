"""Checkpoints that run code when they are read or used carelessly: each would create a file."""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import subprocess
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleLR
from torch._tensor import _rebuild_from_type_v2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Call:
    """Pickled, the call of a function that a call may have given."""

    def __init__(self, function: Callable, *arguments: object, state: object = None, items: object = None) -> None:
        self.parts = (function, arguments, *([] if state is None and items is None else [state]))
        self.parts += () if items is None else (None, iter(items))

    def __reduce__(self) -> tuple:
        return self.parts

    def __call__(self) -> None:
        """pickle asks for something that can be called."""


def create(marker: Path) -> str:
    """Python that creates a file."""
    return f"open({str(marker)!r}, 'w').close()"


def by_reflection(marker: Path) -> Call:
    """From an attribute of a class that mmengine thinks safe to ``exec``, with torch's own function to call it."""
    builtins = Call(getattr, Call(getattr, HistoryBuffer, "__init__"), "__builtins__")
    function = Call(getattr, getattr, "__class__")
    execute = Call(_rebuild_from_type_v2, Call(getattr, builtins, "get"), function, ("exec",), {})
    return Call(_rebuild_from_type_v2, execute, Call(getattr, None, "__class__"), (create(marker),), {})


class Setter:
    """Pickled, a type of numpy whose state is not one."""

    def __init__(self, state: tuple) -> None:
        self.state = state

    def __reduce__(self) -> tuple:
        return np.dtype, ("f8", False, True), self.state


class HistoryOf:
    """Pickled, a history with a state of its own."""

    __class__ = property(lambda self: HistoryBuffer)  # type: ignore[assignment]  # or pickle would refuse to write it

    def __init__(self, state: object) -> None:
        self.state = state

    def __reduce_ex__(self, protocol: object) -> tuple:
        return copyreg.__newobj__, (HistoryBuffer,), self.state  # type: ignore[attr-defined]


class History(HistoryBuffer):
    """A history of a class of its own."""


def _scalar(*arguments: object) -> Call:
    return Call(np.float64(0).__reduce__()[0], *arguments)


def _array(state: tuple) -> Call:
    function, arguments, _ = np.zeros(1).__reduce__()
    return Call(function, *arguments, state=state)


PICKLED: dict[str, Callable[[Path], object]] = {
    "a call of exec": lambda marker: Call(exec, create(marker)),
    "a call of os.system": lambda marker: Call(os.system, f"touch {marker}"),
    "a call of subprocess": lambda marker: Call(subprocess.run, ["touch", str(marker)]),
    "reflection from names that mmengine thinks safe": by_reflection,
    "an attribute of a class on our list": lambda marker: Call(getattr, HistoryBuffer, "__init__"),
    "an attribute of an attribute": lambda marker: Call(getattr, Call(getattr, HistoryBuffer, "min"), "__globals__"),
    "an attribute of a stand-in": lambda marker: Call(getattr, np.ndarray, "min"),
    "a history with a method": lambda marker: HistoryOf({"statistics_methods": {"min": Call(exec, create(marker))}}),
    "a history of words": lambda marker: HistoryOf("abc"),
    "a history of a class of its own": lambda marker: History([1.0], [1]),
    "a type of numpy with fields": lambda marker: Setter((3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 8, 0)),
    "a type of numpy within a type": lambda marker: Setter((3, "|", (np.dtype("O"), (2,)), None, None, -1, -1, 0)),
    "a type of numpy with metadata": lambda marker: Setter((4, "<", None, None, None, -1, -1, 0, {"a": 1})),
    "a type of numpy of objects": lambda marker: np.array([Call(exec, create(marker))], dtype=object),
    "a scalar of numpy's objects": lambda marker: _scalar(np.dtype("O"), Call(exec, create(marker))),
    "a scalar longer than its type": lambda marker: _scalar(np.dtype("f8"), bytes(16)),
    "an array beyond its bytes": lambda marker: _array((1, (10**9,), np.dtype("f8"), False, bytes(8))),
    "an array of objects in state": lambda marker: _array(
        (1, (1,), np.dtype("O"), False, [Call(exec, create(marker))])
    ),
    "a state of a class": lambda marker: Call(OrderedDict, state={"items": 5}),
    "versions that are words": lambda marker: Call(OrderedDict, state={"_metadata": "abc"}),
    "a config that calls": lambda marker: Call(ConfigDict, Call(exec, create(marker))),
    "a tensor of a class": lambda marker: Call(_rebuild_from_type_v2, exec, type(None), (create(marker),), {}),
    "a function as a value": lambda marker: {"function": exec},
    "a class as a value": lambda marker: {"class": HistoryBuffer},
    "a schedule that holds a function": lambda marker: OneCycleLR,
    "a path": lambda marker: marker,
    "half of a character": lambda marker: "\udcff",
}
"""What stands beside the weights of an archive with correct checksums."""


def saved(whole: dict, extra: object, path: Path) -> None:
    """Write a checkpoint with something beside its weights."""
    torch.save({**whole, "extra": extra}, path)


def with_pickle(whole: dict, content: bytes, path: Path) -> None:
    """Write a checkpoint, and put another pickle in its place."""
    buffer = io.BytesIO()
    torch.save(whole, buffer)
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(path, "w") as out:
        for name in archive.namelist():
            out.writestr(name, content if name.endswith("data.pkl") else archive.read(name))


def _levels(count: int) -> bytes:
    """A list in a list in a list."""
    return b"\x80\x02" + b"]" * count + b"a" * (count - 1) + b"."


def _laughs(levels: int) -> bytes:
    """Ten times the same list in a list, and so on: small in the file, endless to walk through."""
    text = b"\x80\x02](]q\x00"
    for level in range(levels):
        text += b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1])
    return text + b"e."


INSTRUCTIONS: dict[str, bytes] = {
    "protocol 0": pickle.dumps({"state_dict": {}}, 0),
    "protocol 4": pickle.dumps({"state_dict": {}, "meta": {"a": "b"}}, 4),
    "INST": b"(S'touch MARKER'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nX\x0c\x00\x00\x00touch MARKERo.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93X\x0c\x00\x00\x00touch MARKER\x85R.",
    "NEWOBJ_EX": b"\x80\x04cmmengine.logging.history_buffer\nHistoryBuffer\n)}\x92.",
    "an extension": b"\x80\x02\x82\x01.",
    "another kind of identifier": b"\x80\x02X\x04\x00\x00\x00evilX\x01\x00\x00\x000\x86Q.",
    "a call of a word": b"\x80\x02X\x02\x00\x00\x00os)R.",
    "an object of a word": b"\x80\x02X\x02\x00\x00\x00os)\x81.",
    "a state of a name": b"\x80\x02ccollections\nOrderedDict\nN}X\x08\x00\x00\x00__call__K\x01s\x86b.",
    "an entry of a name": b"\x80\x02ccollections\nOrderedDict\nK\x01K\x02s.",
    "an entry of a tuple": b"\x80\x02)K\x01a.",
    "a name with dots": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
    "a name of a module below": b"\x80\x02ccollections.OrderedDict\n__init__\n.",
    "a list in itself": b"\x80\x02]q\x00h\x00a.",
    "a thousand lists in each other": _levels(1000),
    "ten to the thirtieth": _laughs(30),
    "more taken than given": b"\x80\x02\x87.",
    "more marks than given": b"\x80\x02t.",
    "nothing": b"\x80\x02.",
    "no end": b"\x80\x02}",
    "two values": b"\x80\x02}}.",
    "text longer than the file": b"\x80\x02X\xff\xff\xff\x7fa.",
    "a key that is a list": b"\x80\x02}](K\x01eK\x02s.",
    "a megabyte of text as bytes, a thousand times": b"\x80\x02](X\x40\x42\x0f\x00"
    + b"a" * 1_000_000
    + b"q\x00X\x06\x00\x00\x00latin1q\x01"
    + b"c_codecs\nencode\nh\x00h\x01\x86R" * 1_000
    + b"e.",
}
"""Pickles of instructions that torch.save does not write, or not so."""

MODELS: dict[str, Callable[[Path], dict]] = {
    "a function of a module": lambda marker: dict(type="subprocess.run", args=["touch", str(marker)]),
    "a function of builtins": lambda marker: dict(type="builtins.exec", source="x"),
    "a module": lambda marker: dict(type="this"),
    "a name below a scope": lambda marker: dict(type="mmseg.models.backbones.ResNet"),
    "a function of a scope": lambda marker: dict(type="mmengine.load", file=str(marker)),
    "a runner": lambda marker: dict(type="mmengine.Runner"),
    "a hook": lambda marker: dict(type="CheckpointHook"),
    "a transform": lambda marker: dict(type="LoadCube"),
    "a scope of its own": lambda marker: dict(type="HSIViT", _scope_="evil"),
    "a loss that opens a file": lambda marker: dict(type="mmseg.CrossEntropyLoss", class_weight="http://x/y.pkl"),
    "a loss that opens a file of one word": lambda marker: dict(type="mmseg.CrossEntropyLoss", class_weight="pkl"),
    "a network of another library": lambda marker: dict(type="mmseg.TIMMBackbone", model_name="x", pretrained=True),
    "a network that loads in the making": lambda marker: dict(type="mmseg.VPD", diffusion_cfg=dict(checkpoint="x")),
    "a network from a hub": lambda marker: dict(type="mmpretrain.HuggingFaceClassifier", model_name="x"),
    "a function that is registered": lambda marker: dict(type="mmpretrain.Llava"),
    "weights of another file": lambda marker: dict(type="HSIViT", init_cfg=dict(type="Pretrained", checkpoint="a.pth")),
    "weights of another file, within": lambda marker: dict(type="HSIViT", a=[dict(init_cfg=[dict(type="Constant")])]),
    "weights by the old name": lambda marker: dict(type="mmseg.ResNet", pretrained="torchvision://resnet18"),
    "imports": lambda marker: dict(type="HSIViT", custom_imports=dict(imports=["evil"])),
    "a lazy import": lambda marker: dict(type="HSIViT", _lazy_="evil", layer="<subprocess.run>"),
    "a base": lambda marker: dict(type="HSIViT", _base_="evil.py"),
    "a deletion": lambda marker: dict(type="HSIViT", _delete_=True),
    "a path": lambda marker: dict(type="HSIViT", arch="/etc/passwd"),
    "a network address": lambda marker: dict(type="HSIViT", arch="http:x"),
    "a template": lambda marker: dict(type="HSIViT", arch="{{$HOME:x}}"),
    "a type in a list": lambda marker: dict(type="HSIViT", layers=[dict(type="os.system", command="x")]),
    "a type that is a list": lambda marker: dict(type=["os.system"]),
    "a type that is a number": lambda marker: dict(type=5),
    "a type that is missing": lambda marker: dict(in_channels=4),
    "a key that is a number": lambda marker: {"type": "HSIViT", 5: 6},
    "bytes": lambda marker: dict(type="HSIViT", arch=b"x"),
    "an array": lambda marker: dict(type="HSIViT", arch=np.zeros(3)),
    "a tensor": lambda marker: dict(type="HSIViT", arch=torch.zeros(3)),
    "an argument that it does not have": lambda marker: dict(type="HSIViT", nonsense=1),
    "a list": lambda marker: [dict(type="HSIViT")],
    "a word": lambda marker: "HSIViT",
}
"""What a published checkpoint may carry as the backbone of its model."""
