"""What a customer said of a solution, where it can be heard or read again, and who it was.

A confirmation must be what its source can give:

| source | recorded by | evidence | identity |
|---|---|---|---|
| talk | a person | a call of this ticket in which an agent spoke, not over before the solution | asked, ticket_number |
| key | the system | such a call, which needs no agent | pressed, ticket_number |
| sms | the system | the words of the message | sender, ticket_number |
| link | the system | the id of the link that was sent | token |
"""  # noqa: E501 - a table

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, exists, insert, select

from desk.db.schema import calls, confirmations, recordings, talks
from desk.db.types import moment
from desk.errors import ConfirmationRefused
from desk.text import storable
from desk.tickets.change import By
from desk.tickets.states import Role
from desk.tickets.survivors import family
from desk.tickets.ticket import Ticket

MOST_EVIDENCE = 2000


class Source(StrEnum):
    """How the customer answered; `override` is no customer."""

    TALK = "talk"
    KEY = "key"
    SMS = "sms"
    LINK = "link"
    OVERRIDE = "override"


class Answer(StrEnum):
    """What the customer said; `overridden`: a supervisor decided instead."""

    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    OVERRIDDEN = "overridden"


class Identity(StrEnum):
    """How it was made sure that it was the customer."""

    ASKED = "asked"  # by the agent, in the talk
    PRESSED = "pressed"  # the key for "我是…"
    TICKET_NUMBER = "ticket_number"  # told or keyed in
    SENDER = "sender"  # a message from the number of the case
    TOKEN = "token"  # the link that only the customer was sent # noqa: S105


IDENTITIES: Mapping[Source, frozenset[Identity]] = {
    Source.TALK: frozenset({Identity.ASKED, Identity.TICKET_NUMBER}),
    Source.KEY: frozenset({Identity.PRESSED, Identity.TICKET_NUMBER}),
    Source.SMS: frozenset({Identity.SENDER, Identity.TICKET_NUMBER}),
    Source.LINK: frozenset({Identity.TOKEN}),
}


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given.

    Attributes:
        call_id: the call in which it was given, for `talk` and `key`.
        recording_id: where it can be heard.
        evidence: the words of a message, the id of a link, or a note.
    """

    source: Source
    identity: Identity
    call_id: str | None = None
    recording_id: int | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """An answer as it is recorded. `cycle` is the ticket's at that time."""

    id: int
    ticket_id: int
    cycle: int
    answer: Answer
    source: Source
    identity: Identity | None
    call_id: str | None
    recording_id: int | None
    evidence: str
    supervisor: str
    reason: str
    actor: str
    at: datetime


def accept(
    db: Connection,
    ticket: Ticket,
    given: Given,
    answer: Answer,
    now: datetime,
    by: By,
    *,
    solved_at: datetime | None = None,
) -> int:
    """Record a customer's answer about a ticket that is held; its id.

    Args:
        solved_at: since when there is a solution; a call that was over before says nothing of it.
            None: since the ticket was resolved.

    Raises:
        ConfirmationRefused: it is not what its source can give.
    """
    why = _why_not(db, ticket, given, by, solved_at or ticket.resolved_at)
    if why:
        raise ConfirmationRefused(ticket.number, why)
    return _insert(
        db,
        ticket,
        now,
        by,
        answer=answer.value,
        source=given.source.value,
        identity=given.identity.value,
        call_id=given.call_id,
        recording_id=given.recording_id,
        evidence=storable(given.evidence, MOST_EVIDENCE),
    )


def override(
    db: Connection, ticket: Ticket, supervisor: str, reason: str, now: datetime, by: By
) -> int:
    """Record that a supervisor decides in the customer's place; its id."""
    return _insert(
        db,
        ticket,
        now,
        by,
        answer=Answer.OVERRIDDEN.value,
        source=Source.OVERRIDE.value,
        supervisor=supervisor,
        reason=reason,
    )


def of_ticket(db: Connection, ticket_id: int) -> list[Confirmation]:
    """Every answer about a ticket, also those that were no, oldest first."""
    query = select(confirmations).where(confirmations.c.ticket_id == ticket_id)
    return [_confirmation(row) for row in db.execute(query.order_by(confirmations.c.id))]


def _insert(db: Connection, ticket: Ticket, now: datetime, by: By, **columns: Any) -> int:
    row = {
        "ticket_id": ticket.id,
        "cycle": ticket.cycle,
        "identity": "",
        "evidence": "",
        "supervisor": "",
        "reason": "",
        "actor": storable(by.actor, 200),
        "at": now,
        **columns,
    }
    made: Any = db.execute(insert(confirmations), row).inserted_primary_key
    confirmation_id: int = made[0]
    return confirmation_id


def _why_not(
    db: Connection, ticket: Ticket, given: Given, by: By, solved_at: datetime | None
) -> str:
    if given.source is Source.OVERRIDE:
        return "an override is not the customer's word; use override with a supervisor's name"
    if given.identity not in IDENTITIES[given.source]:
        fitting = ", ".join(sorted(IDENTITIES[given.source]))
        return f"{given.source} makes sure of who it is by {fitting}, not by {given.identity}"
    if (given.source is Source.TALK) is (by.role is Role.SYSTEM):
        return (
            "who talked with the customer records it, not the system"
            if given.source is Source.TALK
            else f"a confirmation by {given.source} is recorded by what received it, not by hand"
        )
    if given.source in (Source.SMS, Source.LINK):
        return "" if given.evidence else "the words of the message or the link's id are missing"
    if given.call_id is None:
        return "the call in which it was given is missing"
    return _why_not_call(db, ticket, given, solved_at)


def _why_not_call(db: Connection, ticket: Ticket, given: Given, solved_at: datetime | None) -> str:
    of_it = calls.c.ticket_id.in_(family(db, ticket.id))
    call = db.execute(select(calls.c.ended_at).where(calls.c.id == given.call_id, of_it)).first()
    if call is None:
        return f"call {given.call_id!r} does not belong to it; let the call join the ticket"
    ended = moment(call.ended_at) if call.ended_at is not None else None
    if ended is not None and solved_at is not None and ended < solved_at:
        return f"call {given.call_id!r} was over before there was a solution; call the customer"
    spoke = exists().where(talks.c.call_id == given.call_id)
    if given.source is Source.TALK and not db.execute(select(spoke)).scalar():
        return f"nobody spoke with the customer in call {given.call_id!r}"
    if given.recording_id is not None:
        heard = exists().where(
            recordings.c.id == given.recording_id, recordings.c.call_id == given.call_id
        )
        if not db.execute(select(heard)).scalar():
            return f"recording {given.recording_id} is not of call {given.call_id!r}"
    return ""


def _confirmation(row: Any) -> Confirmation:
    return Confirmation(
        id=row.id,
        ticket_id=row.ticket_id,
        cycle=row.cycle,
        answer=Answer(row.answer),
        source=Source(row.source),
        identity=Identity(row.identity) if row.identity else None,
        call_id=row.call_id,
        recording_id=row.recording_id,
        evidence=row.evidence,
        supervisor=row.supervisor,
        reason=row.reason,
        actor=row.actor,
        at=row.at,
    )
