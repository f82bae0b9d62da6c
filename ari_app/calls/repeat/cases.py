"""Which case a caller rings about, and how sure it is that he may hear of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from ari_app.calls.call import Call
from ari_app.calls.line import Line
from desk import tickets
from desk.errors import DatabaseError
from desk.outbound import marks
from desk.outbound.numbers import identity_for
from desk.region import Caller
from desk.tickets import Cases, Status, Ticket, confirmations
from desk.tickets.open_cases import has_any
from desk.tickets.survivors import survivor_of

LOOK_UP_SECONDS = 0.5
_NOBODY = Caller(input="", kind="unknown")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Keyed:
    """The case whose number was keyed in. `own`: the caller may answer for it: it is one of those
    of his number, or his number says nothing of who he is.
    """

    ticket: Ticket
    own: bool


async def look_up(call: Call, line: Line) -> tuple[Cases, bool] | None:
    """The caller's cases, and whether his number alone says who he is. None: he has none that he
    could be ringing about, or the desk does not answer at once.
    """
    caller = call.caller or _NOBODY
    if not caller.e164:
        return None
    ids = [customer.id for customer in call.customers]
    prefixes = line.settings.outbound.virtual_prefixes
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await line.db.read(_found, ids, caller, line.now(), prefixes)
    except (DatabaseError, TimeoutError) as error:
        log.warning("cases of a caller not looked up", call=call.id, error=str(error))
        return None
    return found


async def by_number(call: Call, line: Line, digits: str) -> Keyed | None:
    """The case whose number was keyed in; None: there is none that could be told of.

    Raises:
        DatabaseError, TimeoutError: the desk does not answer now.
    """
    caller = call.caller or _NOBODY
    ids = [customer.id for customer in call.customers]
    prefixes = line.settings.outbound.virtual_prefixes
    async with asyncio.timeout(LOOK_UP_SECONDS):
        return await line.db.read(_keyed, digits, ids, caller, line.now(), prefixes)


async def now_of(line: Line, ticket_id: int) -> Ticket | None:
    """The case as it is now; of a merged one, its survivor.

    Raises:
        DatabaseError, TimeoutError: the desk does not answer now.
    """
    async with asyncio.timeout(LOOK_UP_SECONDS):
        return await line.db.read(_followed, ticket_id)


async def answer_of(call: Call, line: Line, ticket_id: int) -> str | None:
    """What this very call answered about a case already: `solved`, `not_solved`.

    Raises:
        DatabaseError, TimeoutError: the desk does not answer now.
    """
    async with asyncio.timeout(LOOK_UP_SECONDS):
        given = await line.db.read(confirmations.of_ticket, ticket_id)
    return next((one.answer.value for one in reversed(given) if one.call_id == call.id), None)


def _found(
    db: Connection, ids: list[int], caller: Caller, now: datetime, prefixes: list[str]
) -> tuple[Cases, bool] | None:
    if not has_any(db, ids, caller.e164):
        return None
    cases, sure = _cases(db, ids, caller, now, prefixes)
    return (cases, sure) if cases.best is not None else None


def _cases(
    db: Connection, ids: list[int], caller: Caller, now: datetime, prefixes: list[str]
) -> tuple[Cases, bool]:
    cases = tickets.open_of(db, ids, caller.e164, now)
    return cases, cases.certain and _sure(db, caller, len(ids), prefixes)


def _sure(db: Connection, caller: Caller, owners: int, prefixes: list[str]) -> bool:
    """Whether the number says who it is, once a key says so too: it is neither withheld, shared,
    recycled nor virtual.
    """
    if not caller.e164 or caller.kind not in ("landline", "mobile"):
        return False
    identity = identity_for(
        caller,
        withheld=False,
        owners=owners,
        marks=marks.of_number(db, caller.e164),
        virtual_prefixes=prefixes,
    )
    return identity == "pressed"


def _keyed(
    db: Connection, digits: str, ids: list[int], caller: Caller, now: datetime, prefixes: list[str]
) -> Keyed | None:
    ticket = tickets.by_number(db, digits)
    ticket = _followed(db, ticket.id) if ticket is not None else None
    if ticket is None or ticket.status == Status.VOID:
        return None
    cases, sure = _cases(db, ids, caller, now, prefixes)
    mine = {one.id for one in (cases.to_confirm, cases.to_tell, *cases.others) if one is not None}
    return Keyed(ticket, own=not sure or ticket.id in mine)


def _followed(db: Connection, ticket_id: int) -> Ticket | None:
    return tickets.get(db, survivor_of(db, ticket_id))
