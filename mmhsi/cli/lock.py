"""One run at a time in a work dir."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from mmhsi.io.lock import hold

if TYPE_CHECKING:
    from pathlib import Path

RANK_VARIABLES = dict(pytorch="RANK", slurm="SLURM_PROCID", mpi="OMPI_COMM_WORLD_RANK")


def hold_work_dir(folder: str | Path, launcher: str = "none") -> AbstractContextManager[None]:
    """:func:`hold` a run's work dir.

    Args:
        folder: The work dir.
        launcher: mmengine's. Of a distributed run the first process holds it.
    """
    if int(os.environ.get(RANK_VARIABLES.get(launcher, ""), 0)) > 0:
        return nullcontext()
    return hold(folder, "work dir", "choose another --work-dir")
