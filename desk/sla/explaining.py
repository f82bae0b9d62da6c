"""Why a ticket is due when it is due, for people."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection

from desk.errors import NoSuchTicket
from desk.numbering import ticket_number
from desk.sla.book import Editions
from desk.sla.clock import Clock, clocks, elapsed_at
from desk.sla.editions import in_force
from desk.sla.history import Facts, History
from desk.sla.projection import stored_clocks, stored_steps
from desk.sla.reading import history_of

_TARGETS = {"first_response": "首次响应", "resolution": "解决", "hand_over": "交接"}
_STATES = {
    "running": "计时中",
    "paused": "暂停(待客户)",
    "met": "达标",
    "breached": "超时",
    "stopped": "终止,不计",
}


def explain(db: Connection, ticket_id: int, now: datetime) -> list[str]:
    """Lines that say which policy a ticket has and how each of its clocks stands; the last says
    if what is stored differs from what the history says.

    Raises:
        NoSuchTicket: there is none with this id, or nothing is known of its history.
    """
    history, editions = history_of(db, ticket_id), in_force(db)
    if history is None:
        raise NoSuchTicket(ticket_id)
    if editions is None:
        return ["还没有启用服务时限 / no policies are in force yet: huisheng sla apply"]
    found = clocks(history, editions)
    fired = {s.key[1:]: s.fired_at for s in stored_steps(db, ticket_id) if s.fired_at is not None}
    lines = [*_head(ticket_id, history, editions)]
    for clock in found:
        lines += _lines(clock, editions, fired, now)
    pending = [_without(clock, fired) for clock in found]
    if [_without(clock, fired) for clock in stored_clocks(db, ticket_id)] != pending:
        lines.append("存储的计时还没有更新 / what is stored is not up to date yet")
    return lines


def _head(ticket_id: int, history: History, editions: Editions) -> Iterator[str]:
    facts = history.facts_at(None)
    book = editions.latest
    yield (
        f"工单 / ticket {ticket_number(ticket_id)}: {history.state}; {_told(facts)} → "
        f"policy {book.policy(facts).name}, edition {book.edition}"
    )


def _told(facts: Facts) -> str:
    parts = [facts.area_code, facts.province, facts.customer_level, facts.type]
    level = f"level {facts.level}" if facts.level else ""
    return " ".join(part for part in [*parts, level] if part) or "-"


def _lines(
    clock: Clock,
    editions: Editions,
    fired: dict[tuple[str, int, str], datetime],
    now: datetime,
) -> Iterator[str]:
    book = editions.at(clock.ended_at)
    zone = book.zone(clock.team)
    passed = elapsed_at(clock, book, now)
    yield (
        f"{_TARGETS[clock.target]} / {clock.target} #{clock.cycle}: {_STATES[clock.state]} / "
        f"{clock.state}, {clock.colour(now)}; {_duration(passed)} of {_duration(clock.due)} "
        f"({clock.kind}); amber {_at(clock.amber_at, zone)}, due {_at(clock.due_at, zone)}"
    )
    for step, due_at in clock.steps:
        done = fired.get((str(clock.target), clock.cycle, step))
        told = f"fired {_at(done, zone)}" if done else f"due {_at(due_at, zone)}"
        yield f"    → {step}: {told}"


def _without(clock: Clock, fired: dict[tuple[str, int, str], datetime]) -> tuple[object, ...]:
    """What is compared: everything, but of the steps only those that have not fired."""
    steps = tuple(s for s in clock.steps if (str(clock.target), clock.cycle, s[0]) not in fired)
    return (
        *(getattr(clock, name) for name in Clock.__dataclass_fields__ if name != "steps"),
        sorted(steps),
    )


def _at(moment: datetime | None, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def _duration(amount: timedelta) -> str:
    minutes = int(amount.total_seconds()) // 60
    return f"{minutes // 60}:{minutes % 60:02} h"
