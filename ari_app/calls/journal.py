"""The journal of calls: which stage each call is in, and what became of it.

Everything goes to the desk in the order in which the call did it; records that belong together
are one transaction. A desk that does not answer costs a caller at most `PATIENCE_SECONDS` here
and there, never the call: the wrap-up writes what is missing once the desk is back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from ari_app.ari.backoff import delays
from ari_app.calls.call import Call, Stage
from ari_app.ivr.walk import Choice
from desk import customers, journal, recordings, tickets
from desk.customers import Customer
from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.journal import NewCall
from desk.tickets import NewTicket, Ticket

log = structlog.get_logger()

PATIENCE_SECONDS = 2.0
FINISH_ATTEMPTS = 100  # with waits of up to 10 s: about a quarter of an hour


@dataclass(frozen=True)
class Journal:
    """What calls write. A stage's entry is awaited: what is journaled has happened."""

    db: Database
    now: Callable[[], datetime]

    async def begin(self, call: Call) -> None:
        """Record a new call and find who calls: every customer with that number."""
        known = await self._patiently(call, _begin, call, self.now())
        if known is not None:
            call.customers, call.journaled = known, True

    async def enter(self, call: Call) -> None:
        """Record the stage that the call enters, with what re-entering it needs."""
        if call.stage in (Stage.WELCOME, Stage.WRAP_UP):
            return  # `begin` and `finish` are the records of these
        await self._settle(call)
        await self._patiently(
            call, journal.enter_stage, call.id, call.stage, call.state, self.now()
        )

    def chose(self, call: Call, choice: Choice) -> None:
        """Record a choice in the menu, and where that left the walk, without waiting."""
        self._later(call, partial(_chose, call_id=call.id, choice=choice, state=dict(call.state)))

    def note(self, call: Call, kind: str, **body: object) -> None:
        """Add a line to the call's timeline, without waiting."""
        self._later(call, partial(_note, call_id=call.id, kind=kind, body=body))

    async def keep_message(self, call: Call, new: NewTicket) -> Ticket | None:
        """The call's message and the ticket it makes; None if the desk does not answer now."""
        await self._settle(call)
        ticket: Ticket | None = await self._patiently(call, _keep, call, new, self.now())
        if ticket is not None:
            call.ticket_id = ticket.id
        return ticket

    async def finish(self, call: Call, new: NewTicket | None) -> None:
        """End the call and open the ticket it calls for, however long the desk takes.

        Raises:
            DatabaseError: not within `FINISH_ATTEMPTS`; the call stays unfinished in the journal.
        """
        await self._settle(call)
        waits = delays(0.5, 10.0)
        for attempt in range(1, FINISH_ATTEMPTS + 1):
            try:
                call.ticket_id = await self.db.write(_finish, call, new, self.now())
                return
            except DatabaseError as error:
                if not error.retryable or attempt == FINISH_ATTEMPTS:
                    raise
                log.warning("desk does not answer; the call waits", call=call.id, error=str(error))
            await asyncio.sleep(next(waits))

    async def _patiently(self, call: Call, work: Callable[..., Any], *args: Any) -> Any:
        """The work's result, or None if the desk failed or took too long."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self.db.write(work, *args)
        except (DatabaseError, TimeoutError) as error:
            why = str(error) or f"the desk did not answer within {PATIENCE_SECONDS:g} s"
            log.error("not journaled", call=call.id, stage=call.stage, error=why)
            return None

    def _later(self, call: Call, work: Callable[..., Any]) -> None:
        call.unwritten.append(partial(work, now=self.now()))
        if call.writer is None or call.writer.done():
            call.writer = asyncio.create_task(self._write(call), name=f"journal {call.id}")

    async def _write(self, call: Call) -> None:
        while call.unwritten:
            await self._patiently(call, call.unwritten.popleft())

    async def _settle(self, call: Call) -> None:
        """Wait until everything that was written without waiting is in the desk."""
        if call.writer is not None:
            await call.writer


def _begin(db: Connection, call: Call, now: datetime) -> tuple[Customer, ...]:
    assert call.caller is not None  # noqa: S101 - the welcome locates the caller first
    known = tuple(customers.find_by_number(db, call.caller.e164)) if call.caller.e164 else ()
    new = NewCall(
        id=call.id,
        dialled=call.dialled,
        caller_id=call.caller_id,
        caller=call.caller,
        customer_ids=tuple(customer.id for customer in known),
    )
    journal.begin(db, new, now)
    return known


def _chose(
    db: Connection, *, call_id: str, choice: Choice, state: dict[str, Any], now: datetime
) -> None:
    body = {
        "menu": choice.menu,
        "key": choice.key,
        "label": choice.label,
        "ticket": choice.ticket,
        "verb": choice.verb,
    }
    journal.note(db, call_id, "menu.chosen", body, now)
    journal.enter_stage(db, call_id, Stage.MENU, state, now)


def _note(
    db: Connection, *, call_id: str, kind: str, body: dict[str, object], now: datetime
) -> None:
    journal.note(db, call_id, kind, body, now)


def _keep(db: Connection, call: Call, new: NewTicket, now: datetime) -> Ticket:
    if not call.journaled:
        _begin(db, call, now)
    ticket = tickets.open_ticket(db, new, now)
    if call.message is not None:
        recordings.add(db, call.message, now)
    return ticket


def _finish(db: Connection, call: Call, new: NewTicket | None, now: datetime) -> int | None:
    if not call.journaled:
        _begin(db, call, now)
    ticket_id = _keep(db, call, new, now).id if new is not None else call.ticket_id
    journal.end(db, call.id, call.end_cause, now)
    return ticket_id
