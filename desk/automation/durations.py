"""Durations as people write them in rules: `30m`, `24h`, `3d`, `2w`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

LEAST = timedelta(minutes=1)
MOST = timedelta(days=366)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WRITTEN = re.compile(r"(\d{1,6})([mhdw])")


def duration(value: Any) -> timedelta:
    """A duration of a minute to a year.

    Raises:
        ValueError: it is none.
    """
    found = _WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not LEAST <= span <= MOST:
        raise ValueError(f"{value!r} is no duration; write 30m, 24h, 3d or 2w, a year at most")
    return span


Duration = Annotated[timedelta, BeforeValidator(duration)]
