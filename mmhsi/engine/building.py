"""What a class raises about its arguments when it is built of a config."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError, MMHSIError
from mmhsi.io.files import origin, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmengine.config import Config


@contextmanager
def building(cfg: Config) -> Iterator[None]:
    """Turn whatever is raised within the block, where parts of a config are built, into one line.

    Args:
        cfg: The whole config.

    Raises:
        ConfigError: The block raised anything but an error of mmhsi, of the system or of memory.
    """
    try:
        yield
    except (MMHSIError, OSError, MemoryError):
        raise
    except Exception as error:  # of classes of four packages: there is no common one to name
        raise ConfigError(f"{cfg.filename or 'config'}: cannot be built: {origin(error)}: {reason(error)}") from error
