"""How far calls over the trunk may go together, whoever wants them: the one guard against toll
fraud.

`begin` is asked in the transaction in which an attempt is written; it holds the switch's row, so
no two processes count past each other. The switch takes effect with the next call, at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from desk.db.insert import insert_unless_there
from desk.db.schema.outbound import outbound_alarms as alarms
from desk.db.schema.outbound import outbound_switch as switch
from desk.notices import NewNotice, notify
from desk.outbound import attempts, marks
from desk.outbound.attempts import NewAttempt
from desk.outbound.numbers import is_permitted
from desk.outbound.settings import LimitSettings
from desk.text import storable
from desk.timeline import append

Cause = Literal[
    "stopped", "prefix", "do_not_call", "most_per_number_per_day", "most_per_hour", "most_at_once"
]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOLD = frozenset({"prefix", "most_per_number_per_day", "most_per_hour", "most_at_once"})
"""Causes that raise an alarm."""
ALARMED = ("role:supervisor", "role:administrator")
WHY: dict[Cause, str] = {
    "stopped": "calls to customers are stopped; `huisheng outbound start` lets them go on",
    "prefix": "this number may not be dialled; see outbound.limits in config.yaml",
    "do_not_call": "who has this number does not want calls; see the do-not-call list",
    "most_per_number_per_day": "this number was called too often today; try tomorrow",
    "most_per_hour": "the hour's calls are all placed; try later, or raise outbound.limits",
    "most_at_once": "too many calls are under way; try later, or raise outbound.limits",
}
"""Each cause as a sentence with the mend."""

_INSERT = insert_unless_there(alarms, ("cause", "hour", "at", "detail"))
_SWITCH = select(switch).where(switch.c.id == 1)
_RUNNING = insert_unless_there(switch, ("id", "stopped", "actor", "reason"))


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether calls are placed at all. `changed_at`: None: never changed."""

    stopped: bool
    actor: str
    reason: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A limit that was hit; the first time in that hour."""

    cause: str
    hour: datetime
    at: datetime
    detail: str


def begin(db: Connection, new: NewAttempt, limits: LimitSettings, now: datetime) -> Cause | None:
    """Write an attempt that may be made; else why it may not, and nothing is written but an
    alarm.
    """
    _held(db)
    cause = _cause(db, new.number, new.e164, limits, now)
    if cause is None:
        attempts.add(db, new, now)
    elif cause in TOLD:
        _alarm(db, cause, new, now)
    return cause


def why_not(
    db: Connection, number: str, e164: str, limits: LimitSettings, now: datetime
) -> Cause | None:
    """Why a call would not be placed now; None: it would."""
    return _cause(db, number, e164, limits, now)


def _cause(
    db: Connection, number: str, e164: str, limits: LimitSettings, now: datetime
) -> Cause | None:
    if standing(db).stopped:
        return "stopped"
    if not is_permitted(number, limits):
        return "prefix"
    if marks.DO_NOT_CALL in marks.of_number(db, e164):
        return "do_not_call"
    if attempts.placed(db, now - DAY, e164=e164) >= limits.most_per_number_per_day:
        return "most_per_number_per_day"
    if attempts.placed(db, now - HOUR) >= limits.most_per_hour:
        return "most_per_hour"
    if attempts.going_on(db, now) >= limits.most_at_once:
        return "most_at_once"
    return None


def hit(db: Connection, cause: Cause, number: str, purpose: str, agent: str, now: datetime) -> None:
    """A limit stands in the way of a call that was not even begun."""
    if cause in TOLD:
        _alarm(db, cause, NewAttempt("", purpose, number, "", "", agent=agent), now)


def _alarm(db: Connection, cause: Cause, new: NewAttempt, now: datetime) -> None:
    """Once per cause and hour: `outbound.alarm`, and a notice to those who can act."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    detail = storable(f"{new.purpose} {new.number[:4]}… {new.agent}".strip(), 200)
    row = {"cause": cause, "hour": hour, "at": now, "detail": detail}
    if _INSERT.execute(db, row).rowcount != 1:
        return
    text = f"外呼受限 calls refused ({cause}): {WHY[cause]}"
    for to in ALARMED:
        notice = NewNotice(
            to, "outbound_alarm", text, f"outbound-alarm:{cause}:{hour.isoformat()}",
            ticket_id=new.ticket_id,
        )  # fmt: skip
        notify(db, notice, now)
    append(
        db,
        kind="outbound.alarm",
        body={"cause": cause, "purpose": new.purpose, "e164": new.number, "agent": new.agent},
        now=now,
        ticket_id=new.ticket_id,
        outbox_key="outbound",
    )


def recent_alarms(db: Connection, since: datetime, limit: int = 50) -> list[Alarm]:
    """Alarms since then, newest first."""
    query = select(alarms).where(alarms.c.at >= since).order_by(alarms.c.at.desc()).limit(limit)
    return [Alarm(row.cause, row.hour, row.at, row.detail) for row in db.execute(query)]


# -- the switch ------------------------------------------------------------------------------------


def standing(db: Connection) -> Switch:
    """Whether calls are placed at all, and who said so."""
    row = db.execute(_SWITCH).one_or_none()
    if row is None:
        return Switch(False, "system", "", None)
    return Switch(row.stopped, row.actor, row.reason, row.changed_at)


def stop(db: Connection, reason: str, now: datetime, *, actor: str) -> Switch:
    """Place no more calls, and hang up on those that ring; `outbound.stopped`."""
    return _turn(db, True, reason, now, actor)


def start(db: Connection, reason: str, now: datetime, *, actor: str) -> Switch:
    """Place calls again; `outbound.started`."""
    return _turn(db, False, reason, now, actor)


def _turn(db: Connection, stopped: bool, reason: str, now: datetime, actor: str) -> Switch:
    before = _held(db)
    if before.stopped == stopped:
        return standing(db)
    values = {
        "stopped": stopped,
        "reason": storable(reason.strip(), 1000),
        "actor": storable(actor, 200),
        "changed_at": now,
    }
    db.execute(update(switch).where(switch.c.id == 1).values(**values))
    append(
        db,
        kind="outbound.stopped" if stopped else "outbound.started",
        body={"reason": values["reason"]},
        now=now,
        actor=actor,
        outbox_key="outbound",
    )
    return standing(db)


def _held(db: Connection) -> Any:
    """The switch, which nobody else turns or counts by until this unit is over."""
    row = db.execute(_SWITCH.with_for_update()).one_or_none()
    if row is not None:
        return row
    _RUNNING.execute(db, {"id": 1, "stopped": False, "actor": "system", "reason": ""})
    return db.execute(_SWITCH.with_for_update()).one()
