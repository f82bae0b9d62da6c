"""What the journal itself records of every call: its units, each with its work in the desk."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ari_app.calls.call import Stage
from ari_app.calls.journal.units import unit
from ari_app.ivr.walk import Choice
from desk import customers, journal, recordings, tickets
from desk.customers import Customer
from desk.journal import NewCall
from desk.recordings import NewRecording
from desk.tickets import NewTicket, Ticket


@unit("call.begin")
def call_begin(db: Connection, now: datetime, new: NewCall) -> tuple[Customer, ...]:
    """A new call; finds every customer with the caller's number."""
    known = tuple(customers.find_by_number(db, new.caller.e164)) if new.caller.e164 else ()
    journal.begin(db, replace(new, customer_ids=tuple(customer.id for customer in known)), now)
    return known


def _is_past(db: Connection, now: datetime, *, call_id: str, **_: Any) -> bool:
    """Whether the call has entered another stage since: a record that is repeated must not take it
    back, even if those after it are not repeated.
    """
    there = journal.get(db, call_id)
    return there is not None and there.stage_at > now


@unit("call.enter", already=_is_past)
def call_enter(
    db: Connection, now: datetime, call_id: str, stage: str, state: Mapping[str, Any]
) -> None:
    """The stage that a call enters."""
    journal.enter_stage(db, call_id, stage, state, now)


def _left_walk(
    db: Connection, now: datetime, *, call_id: str, state: Mapping[str, Any], **_: Any
) -> None:
    if not _is_past(db, now, call_id=call_id):
        journal.enter_stage(db, call_id, Stage.MENU, state, now)


@unit("call.chose", telling=True, repeat=_left_walk)
def call_chose(
    db: Connection, now: datetime, call_id: str, choice: Choice, state: Mapping[str, Any]
) -> None:
    """A choice in the menu, and where that left the walk."""
    body = {
        "menu": choice.menu,
        "key": choice.key,
        "label": choice.label,
        "ticket": choice.ticket,
        "verb": choice.verb,
    }
    journal.note(db, call_id, "menu.chosen", body, now)
    journal.enter_stage(db, call_id, Stage.MENU, state, now)


@unit("call.note")
def call_note(
    db: Connection, now: datetime, call_id: str, kind: str, body: Mapping[str, Any]
) -> None:
    """A line of the call's timeline."""
    journal.note(db, call_id, kind, body, now)


@unit("call.keep")
def call_keep(
    db: Connection, now: datetime, ticket: NewTicket, message: NewRecording | None
) -> Ticket:
    """A message and the ticket that it makes; the call has one ticket, whoever asks for it."""
    opened = tickets.open_ticket(db, ticket, now)
    if message is not None:
        recordings.add(db, message, now)
    return opened


@unit("call.finish")
def call_finish(
    db: Connection,
    now: datetime,
    call_id: str,
    cause: str,
    ticket: NewTicket | None,
    message: NewRecording | None,
    new: NewCall | None,
) -> int | None:
    """The end of a call, with the ticket that it calls for; the ticket's id.

    Args:
        new: the call itself, where its beginning was never recorded.
    """
    if new is not None:
        call_begin.work(db, now, new)
    opened = None
    if ticket is not None:
        opened = call_keep.work(db, now, ticket, message).id
    journal.end(db, call_id, cause, now)
    return opened
