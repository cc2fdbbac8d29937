"""Fetch public data sets: whole files or nothing, compared with the published checksum or else read through."""

from .dataset import download_dataset
from .errors import DownloadError, NotPublicError

__all__ = ["DownloadError", "NotPublicError", "download_dataset"]
