"""When customers may be called by themselves: rest hours are theirs. Pure."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo

Ranges = Sequence[tuple[time, time]]


def allowed(now: datetime, ranges: Ranges, tz: tzinfo) -> bool:
    """Whether `now` lies in one of the times of day, as clocks in `tz` show it."""
    local = now.astimezone(tz).time()
    return any(begins <= local < ends for begins, ends in ranges)


def next_allowed(now: datetime, ranges: Ranges, tz: tzinfo) -> datetime:
    """The first moment from `now` on that is allowed."""
    if allowed(now, ranges, tz):
        return now
    local = now.astimezone(tz)
    for days in range(3):  # a change of clocks may swallow a range of one day
        day = (local + timedelta(days=days)).date()
        for begins, _ in sorted(ranges):
            opens = datetime.combine(day, begins, tz)
            if opens.timestamp() > now.timestamp() and allowed(opens, ranges, tz):
                return opens.astimezone(now.tzinfo)
    raise ValueError("no time of day is ever allowed; give ranges that begin before they end")


def day_began(now: datetime, tz: tzinfo) -> datetime:
    """Midnight before `now` in `tz`."""
    midnight = datetime.combine(now.astimezone(tz).date(), time.min, tz)
    return midnight.astimezone(now.tzinfo)
