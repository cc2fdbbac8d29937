"""What every command of ``tools/`` shares."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

from mmhsi.errors import MMHSIError

from .memory import keep_freed_memory


def quiet_imports() -> None:
    """Silence two import messages of the libraries below that no user can act on, and nothing else."""
    warnings.filterwarnings("ignore", message=r"Fail to import ``MultiScaleDeformableAttention``", category=UserWarning)


def run(main: Callable[[], None]) -> None:
    """Run a command: an error that the user can mend is one line and exit status 2; ``--debug`` shows the traceback.

    Args:
        main: The command.
    """
    quiet_imports()
    keep_freed_memory()
    try:
        main()
    except (MMHSIError, FileNotFoundError) as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
