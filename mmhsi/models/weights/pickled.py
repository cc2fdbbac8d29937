"""Pickles of checkpoints followed as data: nothing that they name is imported, looked up or called.

``pickle`` builds objects by calling what a file names. Here its instructions, those that ``torch.save`` writes and no
others, are followed by hand; a name is text, and where the file would call it, :mod:`.stand_ins` makes a plain record.
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from .stand_ins import (
    CALLS,
    CLASSES,
    HISTORY,
    RENAMED,
    ArrayRecord,
    DTypeRecord,
    HistoryRecord,
    Name,
    NotPlainError,
    TensorRecord,
    storage_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

MOST_INSTRUCTIONS = 1 << 23
"""A model of ten thousand weights takes a million."""
MOST_LEVELS = 64
"""Containers in containers."""
MOST_VALUES = 1 << 20
"""Values of a small pickle, shared ones counted wherever they stand; larger ones have a few for every byte."""


def read_pickle(data: bytes, tensor: Callable[[TensorRecord], Tensor]) -> object:
    """Read what a pickle holds.

    Returns:
        Numbers, text, bytes, lists, tuples, dicts, tensors, numpy's numbers and arrays.

    Raises:
        NotPlainError: If it holds anything else.
        ValueError: If it is damaged; other errors stand for the same.
    """
    machine = _Machine(len(data))
    for number, (instruction, argument, _) in enumerate(pickletools.genops(data)):
        step = _STEPS.get(instruction.name)
        if step is None or number == MOST_INSTRUCTIONS:
            raise NotPlainError(f"pickle's instruction {instruction.name}")
        step(machine, argument)
    (value,) = machine.stack
    return _Reduction(tensor, max(MOST_VALUES, 8 * len(data)), len(data)).of(value)


class _Machine:
    """pickle's stack and memory, and how many bytes may still be made of text that is read once."""

    def __init__(self, bytes_left: int) -> None:
        self.bytes_left = bytes_left
        self.stack: list = []
        self.waiting: list[list] = []
        self.memory: dict[int, object] = {}

    def push(self, value: object) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self.waiting.append(self.stack)
        self.stack = []

    def since_mark(self) -> list:
        values = self.stack
        self.stack = self.waiting.pop()
        return values

    def last(self, count: int) -> tuple:
        values = tuple(self.stack[-count:])
        if len(values) != count:
            raise ValueError("the pickle takes more than it has given")
        del self.stack[-count:]
        return values

    def text(self, text: str) -> None:
        text.encode()  # halves of characters cannot be shown or written
        self.push(text)

    def name(self, name: str) -> None:
        module, _, attribute = name.partition(" ")
        path = f"{RENAMED.get(module, module)}.{attribute}"
        if path not in CALLS and path not in CLASSES:
            raise NotPlainError(path)
        self.push(Name(path))

    def call(self) -> None:
        function, arguments = self.last(2)
        if not isinstance(function, Name) or function.path not in CALLS or type(arguments) is not tuple:
            raise NotPlainError(f"a call of {function.path if isinstance(function, Name) else type(function).__name__}")
        made = CALLS[function.path](*arguments)
        self.bytes_left -= len(made) if isinstance(made, bytes) else 0
        if self.bytes_left < 0:
            raise ValueError("more bytes than it has text")
        self.push(made)

    def new(self) -> None:
        kind, arguments = self.last(2)
        if kind != Name(HISTORY) or arguments != ():
            raise NotPlainError(f"an object of {kind.path if isinstance(kind, Name) else type(kind).__name__}")
        self.push(HistoryRecord())

    def build(self) -> None:
        (state,) = self.last(1)
        target = self.stack[-1]
        if isinstance(target, HistoryRecord | ArrayRecord | DTypeRecord):
            target.set(state)
        elif type(target) is OrderedDict and type(state) is dict and set(state) == {"_metadata"}:
            target._metadata = state["_metadata"]  # type: ignore[attr-defined]  # versions of a model's layers
        else:
            raise NotPlainError(f"a state of {type(target).__name__}")

    def append(self, values: list) -> None:
        if type(self.stack[-1]) is not list:
            raise NotPlainError(f"an entry of {type(self.stack[-1]).__name__}")
        self.stack[-1].extend(values)

    def set_items(self, values: list) -> None:
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict):
            raise NotPlainError(f"a key of {type(target).__name__}")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if type(key) not in (str, int, float, bool, type(None)):
                raise ValueError(f"a key that is a {type(key).__name__}")
            target[key] = value


_STEPS: dict[str, Callable[[_Machine, Any], object]] = {
    "PROTO": lambda *_: None,
    "STOP": lambda *_: None,
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), lambda machine, value: machine.push(value)),
    "BINUNICODE": lambda machine, text: machine.text(text),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": lambda machine, _: machine.mark(),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.push(machine.last(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.last(3)),
    "APPEND": lambda machine, _: machine.append(list(machine.last(1))),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(list(machine.last(2))),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda machine, key: machine.memory.update({key: machine.stack[-1]})),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, key: machine.push(machine.memory[key])),
    "GLOBAL": lambda machine, name: machine.name(name),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.new(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.push(storage_record(machine.last(1)[0])),
}
"""What each of pickle's instructions does; there are no others."""


class _Reduction:
    """Makes tensors and arrays of records; refuses what is left over, holds itself, or more than there is room for.

    A list that stands in many lists which stand in many lists is small in a file, and endless for whoever walks it.
    """

    def __init__(self, tensor: Callable[[TensorRecord], Tensor], most: int, bytes_left: int) -> None:
        self.tensor = tensor
        self.most = most
        self.bytes_left = bytes_left
        self.done: dict[int, tuple[object, int, int]] = {}
        self.open: set[int] = set()

    def of(self, value: object) -> object:
        return self.reduce(value, 0)[0]

    def reduce(self, value: object, level: int) -> tuple[object, int, int]:
        """What becomes of a value, how many values it holds, how many containers deep it is."""
        if value is None or type(value) in (bool, int, float, str, bytes) or isinstance(value, np.generic):
            return value, 1, 0
        if id(value) in self.done:
            return self.done[id(value)]
        if id(value) in self.open or level > MOST_LEVELS:
            raise ValueError("a container that holds itself, or too many in each other")
        self.open.add(id(value))
        result = self.container(value, level + 1)
        self.open.remove(id(value))
        if result[1] > self.most or result[2] > MOST_LEVELS:
            raise ValueError("more values, or containers in each other, than a checkpoint has")
        self.done[id(value)] = result
        return result

    def container(self, value: Any, level: int) -> tuple[object, int, int]:
        if isinstance(value, TensorRecord):
            return self.tensor(value), 1, 0
        if isinstance(value, ArrayRecord):
            array = value.array()
            self.bytes_left -= array.nbytes
            if self.bytes_left < 0:
                raise ValueError("more arrays than it has text")
            return array, 1, 0
        if isinstance(value, HistoryRecord):
            return self.container(value.plain(), level)
        if type(value) in (list, tuple):
            parts = [self.reduce(part, level) for part in value]
            made: Any = type(value)(part[0] for part in parts)
        elif type(value) in (dict, OrderedDict):
            parts = [self.reduce(part, level) for part in value.values()]
            made = type(value)(zip(value, (part[0] for part in parts), strict=True))
            if hasattr(value, "_metadata"):
                made._metadata = self.metadata(value._metadata, level)
        else:
            raise NotPlainError(value.path if isinstance(value, Name) else type(value).__name__)
        return made, 1 + sum(part[1] for part in parts), 1 + max((part[2] for part in parts), default=0)

    def metadata(self, value: object, level: int) -> object:
        if not isinstance(value, dict) or not all(isinstance(entry, dict) for entry in value.values()):
            raise NotPlainError("versions of layers that are no dict of dicts")
        return self.reduce(value, level)[0]
