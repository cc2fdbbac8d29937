"""When a scene was taken, as files say it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d*)?\s*(?:Z|UTC|([+-])(\d\d):?(\d\d))?", re.IGNORECASE
)
_SPECIM_DATE = re.compile(r"DATE\s*\((yyyy-mm-dd|dd-mm-yyyy)\):\s*(\S+)", re.IGNORECASE)
_SPECIM_TIME = re.compile(r"UTC TIME:\s*(\d\d:\d\d:\d\d)", re.IGNORECASE)


def utc_time(text: str | None) -> str | None:
    """A date with a time in RFC 3339; without a zone it is UTC, as in all headers and products that are read.

    Args:
        text: What a file says; None where it says nothing.

    Returns:
        Such as ``"2022-07-24T10:45:26Z"``, whole seconds; None where the text is no time.

    Example:
        >>> utc_time("2022-07-24T10:45:26.123+0200"), utc_time("2022-07-24")
        ('2022-07-24T08:45:26Z', None)
    """
    found = _TIME.fullmatch((text or "").strip())
    if found is None:
        return None
    day, clock, sign, hours, minutes = found.groups()
    with suppress(ValueError, OverflowError):  # digits that are no date
        time = datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
        if sign:
            ahead = timedelta(hours=int(hours), minutes=int(minutes))
            time = time - ahead if sign == "+" else time + ahead
        return f"{time:%Y-%m-%dT%H:%M:%SZ}"
    return None


def envi_time(header: Mapping[str, str]) -> str | None:
    """When the scene of an ENVI header was taken: ENVI's own field, or Specim's pair of a date and a time of day.

    Args:
        header: Its fields (:func:`mmhsi.io.readers.envi_header.read_envi_header`).

    Returns:
        As :func:`utc_time`.
    """
    date = _SPECIM_DATE.search(header.get("acquisition_date", ""))
    clock = _SPECIM_TIME.search(header.get("start_time", ""))
    if date and clock:
        parts = date.group(2).split("-")
        day = "-".join(parts if date.group(1).lower().startswith("y") else parts[::-1])
        return utc_time(f"{day}T{clock.group(1)}")
    return utc_time(header.get("acquisition_time"))
