"""Talks: who spoke with a caller, from when to when. One per agent's leg."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from desk.db.insert import insert_unless_there
from desk.db.prepared import Prepared
from desk.db.schema import calls, customer_numbers, talks
from desk.db.types import moment
from desk.errors import NoSuchCall, NoSuchTalk
from desk.text import storable
from desk.timeline import append

MOST_ID = 150
MOST_EXTENSION = 40

_CALL = Prepared(select(calls.c.ticket_id, calls.c.e164).where(calls.c.id == bindparam("of_call")))
_BEGIN = insert_unless_there(talks, ("id", "call_id", "agent", "e164", "started_at"))
_END = Prepared(
    update(talks)
    .where(talks.c.id == bindparam("of_id"), talks.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), cause=bindparam("why"))
)
_ONE = Prepared(
    select(talks.c.call_id, talks.c.agent, talks.c.started_at, calls.c.ticket_id)
    .join(calls, calls.c.id == talks.c.call_id)
    .where(talks.c.id == bindparam("of_id"))
)
_OF_CALL = Prepared(
    select(
        talks.c.id,
        talks.c.call_id,
        talks.c.agent,
        talks.c.started_at,
        talks.c.ended_at,
        talks.c.cause,
    )
    .where(talks.c.call_id == bindparam("of_call"))
    .order_by(talks.c.started_at, talks.c.id)
)
_NUMBERS_OF = select(customer_numbers.c.e164).where(
    customer_numbers.c.customer_id.in_(bindparam("of_customers", expanding=True))
)
_LAST = (
    select(talks.c.agent)
    .where(
        or_(talks.c.e164 == bindparam("of_number"), talks.c.e164.in_(_NUMBERS_OF)),
        talks.c.e164 != "",
        talks.c.started_at >= bindparam("since"),
    )
    .order_by(talks.c.started_at.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class NewTalk:
    """An agent has answered.

    Attributes:
        id: Asterisk's id of the agent's channel.
        agent: the agent's extension.
    """

    id: str
    call_id: str
    agent: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk; `ended_at` and `cause` are None while it lasts."""

    id: str
    call_id: str
    agent: str
    started_at: datetime
    ended_at: datetime | None
    cause: str | None


def begin(db: Connection, talk: NewTalk) -> None:
    """Record that an agent answered, once per leg; `agent.answered`.

    Raises:
        NoSuchCall: the call is not in the journal.
        ValueError: id or extension is empty or too long (150 and 40 characters).
    """
    if not 0 < len(talk.id) <= MOST_ID or not 0 < len(talk.agent) <= MOST_EXTENSION:
        raise ValueError(f"no talk can have the id {talk.id!r} and the agent {talk.agent!r}")
    call = _CALL.execute(db, {"of_call": talk.call_id}).fetchone()
    if call is None:
        raise NoSuchCall(talk.call_id)
    ticket_id, e164 = call
    row = {
        "id": talk.id,
        "call_id": talk.call_id,
        "agent": talk.agent,
        "e164": e164,
        "started_at": talk.started_at,
    }
    if _BEGIN.execute(db, row).rowcount == 0:
        return
    append(
        db,
        kind="agent.answered",
        body={"talk_id": talk.id, "agent": talk.agent},
        now=talk.started_at,
        call_id=talk.call_id,
        ticket_id=ticket_id,
        actor=f"agent:{talk.agent}",
    )


def end(db: Connection, talk_id: str, cause: str, now: datetime) -> None:
    """Record that an agent has left the call, once: the first cause stays; `agent.left`.

    Raises:
        NoSuchTalk: `begin` has not been called.
    """
    found = _ONE.execute(db, {"of_id": talk_id}).fetchone()
    if found is None:
        raise NoSuchTalk(talk_id)
    cause = storable(cause, 60)
    if _END.execute(db, {"of_id": talk_id, "now": now, "why": cause}).rowcount == 0:
        return
    call_id, agent, started_at, ticket_id = found
    seconds = round((now - moment(started_at)).total_seconds(), 3)
    append(
        db,
        kind="agent.left",
        body={"talk_id": talk_id, "agent": agent, "cause": cause, "seconds": seconds},
        now=now,
        call_id=call_id,
        ticket_id=ticket_id,
        actor=f"agent:{agent}",
    )


def of_call(db: Connection, call_id: str) -> list[Talk]:
    """The talks of a call in the order in which they began."""
    return [
        Talk(id_, call, agent, moment(started), moment(ended) if ended else None, cause)
        for id_, call, agent, started, ended, cause in _OF_CALL.execute(
            db, {"of_call": call_id}
        ).fetchall()
    ]


def last_agent(
    db: Connection, customer_ids: Sequence[int], e164: str, since: datetime
) -> str | None:
    """The extension of whoever last spoke with this number, or with any number of these
    customers, in a talk that began at `since` or later. A withheld number (`""`) finds nobody.
    """
    values = {"of_customers": list(customer_ids), "of_number": e164, "since": since}
    agent: str | None = db.execute(_LAST, values).scalar()
    return agent
