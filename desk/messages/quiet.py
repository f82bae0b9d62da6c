"""Quiet hours and days as the company's customers have them. Pure."""

from datetime import datetime, time, timedelta, tzinfo

Hours = tuple[time, time]


def loud_again(now: datetime, quiet: Hours | None, tz: tzinfo) -> datetime | None:
    """When the quiet hours end in which `now` is; None: it is in none."""
    if quiet is None:
        return None
    first, last = quiet
    local = now.astimezone(tz)
    clock = local.time()
    inside = first <= clock < last if first < last else clock >= first or clock < last
    if not inside:
        return None
    day = local.date() if clock < last else local.date() + timedelta(days=1)
    return datetime.combine(day, last, tz).astimezone(now.tzinfo)


def start_of_day(now: datetime, tz: tzinfo) -> datetime:
    """When the customers' day began."""
    return datetime.combine(now.astimezone(tz).date(), time(), tz).astimezone(now.tzinfo)


def next_day(now: datetime, quiet: Hours | None, tz: tzinfo) -> datetime:
    """When the next day begins for them, after its quiet hours."""
    day = now.astimezone(tz).date() + timedelta(days=1)
    midnight = datetime.combine(day, time(), tz).astimezone(now.tzinfo)
    return loud_again(midnight, quiet, tz) or midnight
