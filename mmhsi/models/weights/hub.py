"""Public weights from the Hugging Face hub, for those who ask for them by name."""

from __future__ import annotations

from pathlib import Path

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import file_digest

from .families import public_weights
from .public_encoder import how_to_convert, refuse_carried


def download_public(name: str, revision: str | None = None, folder: str | Path | None = None) -> Path:
    """Download the published file of weights; its checksum is compared where one is published.

    Args:
        name: One of :data:`mmhsi.models.weights.families.WEIGHTS`.
        revision: Branch, tag or commit of the repository. Default: the one on record.
        folder: Where the file is put. Default: the hub's cache.

    Raises:
        ConfigError: If the name is unknown, the hub has no such weights, they come with this package, or
            huggingface_hub is not installed.
        DataError: If the file cannot be had, or is another one.
    """
    refuse_carried(name)
    weights = public_weights(name)
    if weights.hub is None:
        raise ConfigError(f"{name}: is not on the hub, or not in a layout that is read; {how_to_convert(name)}")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise ConfigError("huggingface_hub: not installed; pip install 'mmhsi[hub]'") from error
    repository, file, known = weights.hub
    try:
        path = Path(hf_hub_download(repository, file, revision=revision or known, local_dir=folder))
    except Exception as error:  # of a dozen kinds, of the library, of requests, of the disk
        raise DataError(
            f"{name}: {file} of {repository} at {revision or known} cannot be had: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    if weights.sha256 and revision in (None, known) and not file_digest(path).startswith(weights.sha256):
        raise DataError(f"{path}: its checksum is not the published one ({weights.sha256}); remove it and try again")
    return path
