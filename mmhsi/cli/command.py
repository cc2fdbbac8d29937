"""What every command of ``tools/`` shares."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import traceback
from contextlib import ExitStack, nullcontext, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from mmhsi.arguments import check_seed, nearest
from mmhsi.errors import ConfigError, MMHSIError, one_line
from mmhsi.launchers import TOLD

from .console import hush_gdal, print_error, show_own_warnings, waiting
from .freed_memory import keep_freed_memory
from .inputs import check_there
from .termination import AGAIN, TERMINATION, Terminated

if TYPE_CHECKING:
    from collections.abc import Callable

WORKER_DIED = (
    "a process that loads data was killed, perhaps for want of memory: fewer num_workers or a smaller batch; "
    "--resume goes on from the last checkpoint"
)


_running: list[ExitStack] = []
"""What the command that :func:`run` runs holds until it ends."""
_going_on: list[str] = []
"""How the command goes on where it was ended, once its arguments are known."""


class WrittenFile(str):
    """A file that a command writes, as the ``type`` of its option; :func:`tool_parser` checks all of a command's.

    It is held until the command ends: of two commands that write the same, the second is refused.
    """

    __slots__ = ()
    what: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()


def writes(what: str, *suffixes: str) -> type[WrittenFile]:
    """The ``type`` of an option whose file has to have the name of what it is: another is refused before any work.

    Args:
        what: What is written, for the message, such as ``"a GeoTIFF"``.
        suffixes: Ends of its name, in small letters.
    """
    return type("WrittenFile", (WrittenFile,), dict(__slots__=(), what=what, suffixes=suffixes))


WrittenGeoTIFF = writes("a GeoTIFF", ".tif", ".tiff")
WrittenPicture = writes("a picture", ".png")
WrittenVector = writes("a vector file", ".gpkg", ".geojson", ".fgb", ".shp")


def whole(least: int) -> Callable[[str], int]:
    """The ``type`` of an option that is a whole number.

    Args:
        least: The smallest that is taken.
    """

    def read(text: str) -> int:
        with suppress(ValueError):
            if (value := int(text)) >= least:
                return value
        raise argparse.ArgumentTypeError(f"{text} given, expected a whole number of at least {least}")

    return read


class CommandParser(argparse.ArgumentParser):
    """Refuses what would be lost: a file to write that is one to read, an option that says nothing without another.

    And files that do not exist, seeds that no generator takes, and options that are cut short. What is wrong is one
    line, without the usage that argparse puts before it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})
        self._pairs: list[tuple[str, str]] = []
        self._given: list[str] = []

    def without(self, needed: str, *names: str) -> None:
        """Refuse options where another one is not given, for then nobody reads them.

        Args:
            needed: The other one, such as ``"--second"``.
            names: The options, such as ``"--second-key"``.
        """
        self._pairs += [(name, needed) for name in names]

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end with status 2."""
        known = self._chosen()._option_string_actions
        lacking = message.startswith("the following arguments are required")
        words = message.split() if message.startswith("unrecognized") else self._given * lacking
        names = [word.partition("=")[0] for word in words if word.startswith("--")]
        option = next((word for word in names if word not in known), "")
        if option and lacking:
            message = f"{message}; no option is named {option}"  # argparse does not come to it
        closest = nearest(option, known) if option else ""
        print_error(f"{one_line(message)}{closest}; {self.prog} --help shows what there is")
        raise SystemExit(2)

    def _chosen(self) -> argparse.ArgumentParser:
        """The parser of the sub-command that was given, else this one."""
        choices = next((one.choices for one in self._actions if isinstance(one, argparse._SubParsersAction)), {})
        return next((choices[word] for word in self._given if word in choices), self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[argparse.Namespace, list[str]]:  # type: ignore[override]
        """As argparse has it; what is wrong is looked for among the words that were given."""
        self._given = [*map(str, sys.argv[1:] if args is None else args)]
        return super().parse_known_args(args, namespace)

    def parse_args(self, *args: Any, **options: Any) -> argparse.Namespace:  # type: ignore[override]
        """As argparse has it, with all checks."""
        return self._all_checked(super().parse_args(*args, **options))

    def parse_intermixed_args(self, *args: Any, **options: Any) -> argparse.Namespace:  # type: ignore[override]
        """As argparse has it, with all checks."""
        return self._all_checked(super().parse_intermixed_args(*args, **options))

    def _all_checked(self, args: argparse.Namespace) -> argparse.Namespace:
        checked = _checked(self._paired(args))
        if "--resume" in self._chosen()._option_string_actions:
            given = checked.resume not in (None, False)
            _going_on[:] = [f"; the same command {'' if given else 'with --resume '}goes on from there"]
        return checked

    def _paired(self, args: argparse.Namespace) -> argparse.Namespace:
        for name, needed in self._pairs:
            given, other = (option.lstrip("-").replace("-", "_") for option in (name, needed))
            if getattr(args, given) != self.get_default(given) and not getattr(args, other):
                raise ConfigError(f"{name} says nothing without {needed}")
        return args


def _checked(args: argparse.Namespace) -> argparse.Namespace:
    for given in (getattr(args, name, None) for name in ("seed", "seeds")):
        for seed in given if isinstance(given, list) else [given]:
            if seed is not None:
                check_seed(seed)
    given = [one for value in vars(args).values() for one in (value if isinstance(value, list | tuple) else [value])]
    check_there(*given)
    written = [value for value in given if isinstance(value, WrittenFile)]
    if written:
        from mmhsi.io.destinations import check_outputs  # not where a command only says how it is used
        from mmhsi.io.lock import hold_outputs

        read = [value for value in given if isinstance(value, str | Path) and not isinstance(value, WrittenFile)]
        check_outputs(written, [path for path in read if os.path.isfile(path)])  # noqa: PTH113, names may be no paths
        for value in written:
            if value.suffixes and not value.lower().endswith(value.suffixes):
                *others, last = value.suffixes
                ends = f"{', '.join(others)} or {last}" if others else last
                raise ConfigError(f"{value}: {value.what} is written; expected a name that ends in {ends}")
        if _running and is_first():
            _running[-1].enter_context(hold_outputs(map(Path, written)))
    return args


def is_first() -> bool:
    """Whether this is the first process of a distributed run, or the only one."""
    return next((os.environ[rank] for rank, *_ in TOLD.values() if rank in os.environ), "0") == "0"


def tool_parser(description: str | None, example: str = "") -> CommandParser:
    """A command's parser, with ``--debug`` and ``--verbose``, which :func:`run` looks for.

    Args:
        description: What the command does.
        example: A whole call, shown below the options.
    """
    parser = CommandParser(description=description, epilog=f"example:\n  {example}", formatter_class=Help)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--verbose", action="store_true", help="show what the log files have, and libraries' warnings")
    return parser


class Help(argparse.HelpFormatter):
    """Wraps everything but the example, which is to be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("example:") else super()._fill_text(text, width, indent)


def message_of(error: BaseException) -> str:
    """What an error says, on one line.

    Args:
        error: Of one from a worker of a data loader, which torch wraps in its traceback, the last line is taken.
    """
    if isinstance(error, MemoryError):
        return f"out of memory: {error}"
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return one_line(f"{os.fsdecode(error.filename)}: {error.strerror}")  # as every other message: where, then what
    text = str(error.args[0]) if error.args else ""
    if "\nOriginal Traceback" in text:
        return text.rstrip().rpartition("\n")[2].partition(": ")[2]  # behind the error's class
    return one_line(str(error))


def run(main: Callable[[], None]) -> None:
    """Run a command: an error that the user can mend is one line and exit status 2; ``--debug`` shows the traceback.

    Any other is one line too, with where it came from, and exit status 1. SIGTERM ends a command in order, status 75.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name of a class or a file that a console's encoding has not ends none
            stream.reconfigure(errors="backslashreplace")
    if "--verbose" not in sys.argv:
        show_own_warnings()
        hush_gdal()
    keep_freed_memory()
    # Where mmengine would read a file from the network, or a library one of its own, with whatever code is in it.
    os.environ.setdefault("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    # Where the log file cannot be written, a command goes on without; it would say a traceback for every line.
    logging.raiseExceptions = False
    try:
        shown = is_first() and not {"--quiet", "--verbose"} & set(sys.argv)
        with TERMINATION.installed(), waiting("working") if shown else nullcontext(), ExitStack() as stack:
            _going_on.clear()
            _running.append(stack)
            stack.callback(_running.pop)
            main()
    except Terminated:
        sys.stderr.write(f"ended by SIGTERM{''.join(_going_on) or '; give the same command again'}\n")
        sys.exit(AGAIN)
    except (MMHSIError, OSError, MemoryError) as error:
        if "--debug" in sys.argv:
            raise
        if not _ended_by_worker(error):
            print_error(message_of(error))
            sys.exit(2)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted{''.join(_going_on)}\n")
        sys.exit(130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        if not _ended_by_worker(error):
            from mmhsi.io.files import origin  # not where a command only says how it is used

            print_error(f"{origin(error)}: {message_of(error)}; --debug shows more")
        sys.exit(1)


def _ended_by_worker(error: BaseException) -> bool:
    """Whether a process that loads data was killed, as torch says or what it was handing over shows; then say so."""
    first = str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, ConnectionError | EOFError):
        files = [Path(frame.filename).as_posix() for frame in traceback.extract_tb(error.__traceback__)]
        through = ("torch/utils/data/dataloader.py", "/multiprocessing/")
        found = all(any(part in file for file in files) for part in through)
    else:
        found = isinstance(error, RuntimeError) and "DataLoader worker (pid" in first
    if found:
        # torch notices at once, for the system tells it when one of its processes ends; it would say so again for
        # those that end with this one.
        if hasattr(signal, "SIGCHLD"):  # not on Windows
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        print_error(f"{WORKER_DIED} ({first})")
    return found
