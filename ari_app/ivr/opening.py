"""Opening hours: whether a schedule of config.yaml is open at a moment."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo

from ari_app.ivr.settings import ScheduleSettings

CLOSED = "closed"


def is_open(
    schedule: ScheduleSettings,
    now: datetime,
    zone: tzinfo,
    is_workday: Callable[[date], bool],
) -> bool:
    """Whether `schedule` is open at the aware time `now`, with its hours meant in `zone`.

    A date named in the schedule goes before the kind of day; `is_workday` says whether people
    work on a day (holidays and 调休 included). Opening minutes include the first, not the last.
    """
    local = now.astimezone(zone)
    day = local.date()
    hours = schedule.dates.get(day)
    if hours is None:
        hours = schedule.workday if is_workday(day) else schedule.restday
    return _within(hours, f"{local:%H:%M}")


def _within(hours: Sequence[str], clock: str) -> bool:
    """`clock` and `hours` are HH:MM, so that they compare as text."""
    for span in hours:
        if span != CLOSED:
            first, last = span.split("-")
            if first <= clock < last:
                return True
    return False
