"""What the line tells the desk of a repeat caller: its units."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from ari_app.calls.journal.units import unit
from desk import journal, tickets
from desk.errors import CallHasTicket, DeskError, NoSuchTicket
from desk.numbering import ticket_number
from desk.tickets import SYSTEM, Given, Identity, Source, Status, closing, progress_calls
from desk.tickets.progress_calls import Outcome
from desk.tickets.survivors import survivor_for_change

log = structlog.get_logger()

NOT_SOLVED = "客户来电按键告知未解决 / not solved, by key"


def _is_told(db: Connection, _now: datetime, *, call_id: str, **_: Any) -> bool:
    return progress_calls.is_told(db, call_id)


@unit("repeat.told", already=_is_told)
def repeat_told(db: Connection, now: datetime, call_id: str, ticket_id: int, status: str) -> None:
    """The caller has heard how the case stands."""
    progress_calls.told(db, call_id, ticket_id, status, now)


@unit("repeat.joined")
def repeat_joined(db: Connection, now: datetime, call_id: str, ticket_id: int) -> int | None:
    """The call is about the case: no second ticket. Returns the ticket's id, None where the call
    has another one.
    """
    return _join(db, now, call_id, ticket_id)


@unit("repeat.left")
def repeat_left(db: Connection, now: datetime, call_id: str, ticket_id: int, to: str) -> int | None:
    """The caller goes on to a person about the case (`person`), or rang about something else
    (`other`) and this call is none of the case's. Returns as `repeat_joined`.
    """
    outcome = Outcome(to)
    joined = _join(db, now, call_id, ticket_id) if outcome is Outcome.PERSON else None
    progress_calls.led_to(db, call_id, outcome)
    journal.note(db, call_id, "case.left", {"number": ticket_number(ticket_id), "to": to}, now)
    return joined


@unit("repeat.answered")
def repeat_answered(
    db: Connection,
    now: datetime,
    call_id: str,
    ticket_id: int,
    cycle: int,
    solved: bool,
    identity: str,
) -> str:
    """The customer's key for solved or not solved. It counts only while the case still waits for
    the answer about this very solution; otherwise nothing changes. Returns the case's status then.
    """
    _join(db, now, call_id, ticket_id)
    ticket = survivor_for_change(db, ticket_id)
    if ticket.status != Status.RESOLVED or ticket.cycle != cycle:
        return ticket.status
    given = Given(Source.KEY, Identity(identity), call_id=call_id)
    try:
        if solved:
            ticket = closing.confirm(db, ticket.id, given, now, by=SYSTEM, expected_version=None)
        else:
            ticket = closing.reopen(
                db, ticket.id, NOT_SOLVED, now, by=SYSTEM, expected_version=None, given=given
            )
    except DeskError as error:  # refused before anything was written
        log.warning("a key confirms nothing", call=call_id, ticket=ticket.number, error=str(error))
        return ticket.status
    progress_calls.led_to(db, call_id, Outcome.SOLVED if solved else Outcome.NOT_SOLVED)
    return ticket.status


def _join(db: Connection, now: datetime, call_id: str, ticket_id: int) -> int | None:
    try:
        return tickets.join(db, call_id, ticket_id, now).id
    except (CallHasTicket, NoSuchTicket) as error:
        log.warning("a call does not join its case", call=call_id, error=str(error))
        return None
