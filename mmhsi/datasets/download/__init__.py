"""Fetch public data sets: whole files or nothing, verified where a checksum is published."""

from .archive import extract_archive
from .dataset import download_dataset
from .errors import ArchiveError, ChecksumError, DownloadError, NotPublicError
from .transfer import transfer

__all__ = [
    "ArchiveError",
    "ChecksumError",
    "DownloadError",
    "NotPublicError",
    "download_dataset",
    "extract_archive",
    "transfer",
]
