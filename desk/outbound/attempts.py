"""Calls that were placed over the trunk, whatever for: what limits count, and the evidence.

An attempt is written before Asterisk hears of it, and its id is its channel's: one whose outcome
nobody knows counts as made. Both numbers, times, how it was made sure who answered, the consent
and, by the id, the recording are kept for as long as the policy says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from desk.db.schema import recordings
from desk.db.schema.outbound import outbound_attempts as attempts
from desk.db.types import moment
from desk.text import storable

Consent = Literal["", "given", "refused", "told"]
OPEN_AT_MOST = timedelta(hours=6)
"""A call without an end that is older is none any more: whoever placed it has died for good."""
MOST = 200
NEVER_RANG = ("trunk", "agent_left")
"""Outcomes of calls that have disturbed nobody."""


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """A call that is about to be placed.

    Attributes:
        id: of its channel.
        number: as it is dialled.
        shown: the number that the customer sees.
    """

    id: str
    purpose: str
    number: str
    e164: str
    shown: str
    request_id: int | None = None
    callback_id: int | None = None
    ticket_id: int | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that was placed; see `NewAttempt`.

    Attributes:
        outcome: once it has ended; `lost`: nobody knows.
        consent: to the recording: `told` where a notice was all that was asked for.
        identity: how who answered said who it is: `pressed`, `ticket_number`, `""` not at all.
    """

    id: str
    purpose: str
    request_id: int | None
    callback_id: int | None
    ticket_id: int | None
    number: str
    e164: str
    shown: str
    agent: str
    placed_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str
    consent: Consent
    consent_at: datetime | None
    identity: str
    identity_at: datetime | None


def add(db: Connection, new: NewAttempt, now: datetime) -> None:
    """Record it; `limits.begin` is what asks whether it may be."""
    row = {
        "id": new.id,
        "purpose": new.purpose,
        "request_id": new.request_id,
        "callback_id": new.callback_id,
        "ticket_id": new.ticket_id,
        "number": storable(new.number, 40),
        "e164": storable(new.e164, 40),
        "shown": storable(new.shown, 40),
        "agent": storable(new.agent, 40),
        "placed_at": now,
        "outcome": "",
        "consent": "",
    }
    db.execute(insert(attempts), row)


def answered(db: Connection, attempt_id: str, now: datetime) -> None:
    """Somebody answers; the first moment stays."""
    _set(db, attempt_id, attempts.c.answered_at.is_(None), answered_at=now)


def identified(db: Connection, attempt_id: str, identity: str, now: datetime) -> None:
    """It is who we wanted to reach; the first time stays."""
    _set(db, attempt_id, attempts.c.identity == "", identity=identity, identity_at=now)


def consented(db: Connection, attempt_id: str, consent: Consent, now: datetime) -> None:
    """What was said to the recording; the first answer stays."""
    _set(db, attempt_id, attempts.c.consent == "", consent=consent, consent_at=now)


def ended(db: Connection, attempt_id: str, outcome: str, now: datetime) -> None:
    """It is over; the first outcome stays."""
    _set(
        db, attempt_id, attempts.c.ended_at.is_(None),
        ended_at=now, outcome=storable(outcome, 60),
    )  # fmt: skip


def get(db: Connection, attempt_id: str) -> Attempt | None:
    """The attempt with this id."""
    row = db.execute(select(attempts).where(attempts.c.id == attempt_id)).one_or_none()
    return _attempt(row) if row is not None else None


def of_request(db: Connection, request_id: int) -> list[Attempt]:
    """A request's attempts, oldest first, at most 200."""
    query = select(attempts).where(attempts.c.request_id == request_id)
    return [_attempt(row) for row in db.execute(query.order_by(attempts.c.placed_at).limit(MOST))]


def search(
    db: Connection,
    *,
    e164: str | None = None,
    purpose: str | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[Attempt]:
    """Attempts that meet every given condition, newest first, at most 200. `before`: when the last
    one of the previous pages was placed, and how many of that moment they had.
    """
    query = select(attempts).order_by(attempts.c.placed_at.desc(), attempts.c.id.desc())
    if e164 is not None:
        query = query.where(attempts.c.e164 == e164)
    if purpose is not None:
        query = query.where(attempts.c.purpose == purpose)
    if before is not None:
        at, had = before
        query = query.where(attempts.c.placed_at <= at).offset(had)
    return [_attempt(row) for row in db.execute(query.limit(min(limit, MOST)))]


def recordings_of(db: Connection, found: Sequence[Attempt]) -> Mapping[str, tuple[int, ...]]:
    """The ids of recordings that are kept of these attempts, by attempt, in order."""
    query = (
        select(recordings.c.call_id, recordings.c.id)
        .where(
            recordings.c.call_id.in_([each.id for each in found]),
            recordings.c.deleted_at.is_(None),
        )
        .order_by(recordings.c.id)
    )
    kept: dict[str, tuple[int, ...]] = {}
    for row in db.execute(query):
        kept[row.call_id] = (*kept.get(row.call_id, ()), row.id)
    return kept


def placed(db: Connection, since: datetime, *, e164: str | None = None) -> int:
    """How many calls were placed since then; with `e164`, those that may have rung there."""
    query = select(func.count()).select_from(attempts).where(attempts.c.placed_at >= since)
    if e164 is not None:
        query = query.where(attempts.c.e164 == e164, attempts.c.outcome.not_in(NEVER_RANG))
    return int(db.execute(query).scalar_one())


def asked_since(db: Connection, request_id: int, since: datetime) -> int:
    """How often a request was dialled since then."""
    query = (
        select(func.count())
        .select_from(attempts)
        .where(attempts.c.request_id == request_id, attempts.c.placed_at >= since)
    )
    return int(db.execute(query).scalar_one())


def going_on(db: Connection, now: datetime) -> int:
    """How many of them have not ended, as far as is known."""
    query = (
        select(func.count())
        .select_from(attempts)
        .where(attempts.c.ended_at.is_(None), attempts.c.placed_at > now - OPEN_AT_MOST)
    )
    return int(db.execute(query).scalar_one())


def forget(db: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` attempts from before that moment; how many."""
    old = select(attempts.c.id).where(attempts.c.placed_at < before)
    some = old.order_by(attempts.c.placed_at).limit(limit)
    return int(db.execute(delete(attempts).where(attempts.c.id.in_(some))).rowcount)


def oldest(db: Connection) -> datetime | None:
    """When the first one was placed that is still kept."""
    at = db.execute(select(func.min(attempts.c.placed_at))).scalar_one_or_none()
    return moment(at) if at is not None else None


def _set(db: Connection, attempt_id: str, still: Any, **values: Any) -> None:
    db.execute(update(attempts).where(attempts.c.id == attempt_id, still).values(**values))


def _attempt(row: Any) -> Attempt:
    return Attempt(**row._mapping)
