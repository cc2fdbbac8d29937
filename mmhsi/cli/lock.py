"""One run at a time in a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmhsi.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

RANK_VARIABLES = dict(pytorch="RANK", slurm="SLURM_PROCID", mpi="OMPI_COMM_WORLD_RANK")


@contextmanager
def work_dir_lock(folder: str | Path, launcher: str = "none") -> Iterator[None]:
    """Hold a folder for this run; the operating system lets go of it when the process ends, however it ends.

    Args:
        folder: The work dir; made if it is missing.
        launcher: mmengine's. Of a distributed run the first process holds it.

    Raises:
        ConfigError: If another process holds it.
    """
    if fcntl is None or int(os.environ.get(RANK_VARIABLES.get(launcher, ""), 0)) > 0:
        yield
        return
    path = Path(folder) / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            # Not flock: forked worker processes, which outlive a killed run for seconds, would hold it too.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise ConfigError(
                f"work dir {folder}: in use by {holder}; wait for it, end it, or choose another --work-dir"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
        file.truncate(0)
