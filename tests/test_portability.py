"""What Windows lacks is used where it was thought of, and never while a module is imported."""

from __future__ import annotations

import ast
from pathlib import Path

from mmhsi.io.memory import ALWAYS_THERE, available_memory, require_memory

ROOT = Path(__file__).resolve().parents[1]
MODULES = {"crypt", "curses", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NAMES = {
    "os": {"O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "WNOHANG", "chown", "fchmod", "fchown", "fork"}
    | {"getgid", "getpgid", "getpriority", "getuid", "geteuid", "killpg", "mkfifo", "nice", "openpty", "setsid"}
    | {"register_at_fork", "sched_getaffinity", "setpgid", "setpriority", "statvfs", "sysconf", "uname", "wait"},
    "signal": {"SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIG_BLOCK"}
    | {"alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "sigwait", "sigwaitinfo"},
}
THOUGHT_OF = {
    "mmhsi/cli/command.py": "a handler for children, where signal has it",
    "mmhsi/cli/termination.py": "forks, where os has them",
    "mmhsi/datasets/kept_readers.py": "a limit of open files, else a fixed one",
    "mmhsi/io/kept_folders.py": "locks and owners, after a look at sys.platform",
    "mmhsi/io/lock.py": "forks, where os has them",
    "mmhsi/io/memory.py": "the machine's memory, where os says it",
    "mmhsi/io/readers/hdf5_opening.py": "a process that looks first, on Linux alone",
}
"""Files that use it, and for what; whoever adds one says here what happens on Windows."""


def used(tree: ast.AST, with_functions: bool) -> set[str]:
    """What of it a file uses; else what it uses while it is imported, beyond an ``if hasattr(…)``."""
    found, waiting = set(), [tree]
    while waiting:
        node = waiting.pop()
        if not with_functions and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            or (isinstance(node, ast.If) and "hasattr(" in ast.unparse(node.test))
        ):
            continue
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            names = {name.name for name in node.names} & NAMES.get(str(node.module), set())
            found |= names | ({str(node.module)} & MODULES if not node.level else set())
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} & NAMES.get(node.value.id, set())
        waiting += ast.iter_child_nodes(node)
    return found


def test_what_windows_lacks_is_used_where_it_was_thought_of():
    there, early = set(), {}
    for path in (ROOT / "setup.py", *(ROOT / "mmhsi").rglob("*.py"), *(ROOT / "tools").rglob("*.py")):
        if ".mim" in path.parts:
            continue
        tree, name = ast.parse(path.read_text(encoding="utf-8")), path.relative_to(ROOT).as_posix()
        if used(tree, with_functions=True):
            there.add(name)
        if found := used(tree, with_functions=False):
            early[name] = found
    assert not early
    assert there == set(THOUGHT_OF)


def test_it_is_found():
    code = (
        "import fcntl\nif hasattr(os, 'fork'):\n    os.fork()\ndef f():\n    from os import nice\n    signal.alarm(1)"
    )
    assert used(ast.parse(code), with_functions=False) == {"fcntl"}
    assert used(ast.parse(code), with_functions=True) == {"fcntl", "fork", "nice", "alarm"}


def test_a_system_that_does_not_say_its_memory_holds_whatever_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr("mmhsi.io.memory._MEMINFO", tmp_path / "none")
    monkeypatch.setattr("mmhsi.io.memory._CGROUP_LIMIT", tmp_path / "none")
    assert ALWAYS_THERE < available_memory() < 1 << 50
    monkeypatch.delattr("os.sysconf")
    require_memory(1 << 50, "cube.tif", "it")
