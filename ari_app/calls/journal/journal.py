"""The journal of calls: which stage each call is in, and what became of it.

Every record goes to the desk in the order in which it was made. A desk that does not answer
within `PATIENCE_SECONDS`, or fails, is away: from then on records go to the spool, which costs a
caller nothing, and from there to the desk once it is back, or by the next process (`replay`).
None takes effect twice, none overtakes another.

Of a private call (`call.private`: the recording pauses while a card number is told) nothing is
recorded that tells words or keys: no unit that is `telling`, and no note but those that begin as
`SILENT_NOTES` do. Its stage says `paused: true`, for the process that may have to go on. So a
pause is `call.private = True`, then `await journal.enter(call)`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from ari_app.calls.call import Call, Stage
from ari_app.calls.journal import records
from ari_app.calls.journal.backlog import Backlog, Entry
from ari_app.calls.journal.spool import Spool
from ari_app.calls.journal.units import Unit
from ari_app.calls.journal.writer import PATIENCE_SECONDS, RecordWriter
from ari_app.ivr.walk import Choice
from desk import customers
from desk.customers import Customer
from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.journal import NewCall
from desk.region import Caller
from desk.tickets import NewTicket, Ticket

__all__ = ["PATIENCE_SECONDS", "PAUSED", "SILENT_NOTES", "Journal"]

log = structlog.get_logger()

T = TypeVar("T")

REPLAY_SECONDS = 60.0
LOOK_UP_SECONDS = 0.5  # for a customer, while the desk takes no records
PAUSED = "paused"
SILENT_NOTES = ("agent.", "call.", "recording.", "supervisor.", "talk.")
_TICK = timedelta(microseconds=1)
_SAME_MOMENT = timedelta(seconds=1)


class Journal:
    """What calls record. Close it before the desk; used without a spool, records that the desk
    does not take wait in memory.
    """

    def __init__(self, db: Database, now: Callable[[], datetime], spool: Spool | None = None):
        self._db = db
        self._now = now
        self._writer = RecordWriter(db, Backlog(spool))
        self._last: datetime | None = None

    @property
    def spooling(self) -> bool:
        """Whether the desk is away, or does not have yet what was spooled meanwhile."""
        return self._writer.spooling

    @property
    def waiting(self) -> int:
        """Records that the desk does not have yet: a figure for metrics."""
        return self._writer.waiting

    async def replay(self, seconds: float = REPLAY_SECONDS) -> bool:
        """Tell the desk what a former process could not. To be called before anything reads or
        writes the journal.

        Returns:
            False: the desk did not take it in time, and is told as soon as it does; until then
            it has an older state of some calls.
        """
        return await self._writer.replay(seconds)

    # what every call records

    async def begin(self, call: Call) -> None:
        """Record a new call and find who calls: every customer with that number."""
        away = self.spooling
        try:
            known = await self._waited(call.id, records.call_begin(_new_call(call)))
        except DatabaseError as error:
            log.error("call not recorded", call=call.id, error=str(error))
            return
        call.journaled = True  # in the desk, or on its way before everything else of this call
        if known is None and away:  # not where it has cost the caller our patience just now
            known = await self._looked_up(call)
        call.customers = known or ()

    async def enter(self, call: Call) -> None:
        """Record the stage that the call enters or is in, with what re-entering it needs."""
        if call.stage in (Stage.WELCOME, Stage.WRAP_UP):
            return  # `begin` and `finish` are the records of these
        try:
            await self._waited(call.id, records.call_enter(call.id, call.stage, _state(call)))
        except DatabaseError as error:
            log.error("stage not recorded", call=call.id, stage=call.stage, error=str(error))

    def chose(self, call: Call, choice: Choice) -> None:
        """Record a choice in the menu, and where that left the walk, without waiting."""
        self.record(call, records.call_chose(call.id, choice, _state(call)))

    def note(self, call: Call, kind: str, **body: object) -> None:
        """Add a line to the call's timeline, without waiting."""
        if not call.private or kind.startswith(SILENT_NOTES):
            self.record(call, records.call_note(call.id, kind, body))

    async def keep_message(self, call: Call, new: NewTicket) -> Ticket | None:
        """The call's message and the ticket it makes; None if the desk does not answer now."""
        try:
            ticket = await self._waited(call.id, records.call_keep(new, call.message))
        except DatabaseError as error:
            log.error("message not recorded", call=call.id, error=str(error))
            return None
        if ticket is not None:
            call.ticket_id = ticket.id
        return ticket

    async def finish(self, call: Call, new: NewTicket | None) -> None:
        """End the call and open the ticket it calls for. Returns when that is safe: in the desk or
        in the spool.

        Raises:
            DatabaseError: neither took it; the call stays unfinished in the journal.
        """
        message = call.message if new is not None else None
        unknown = None if call.journaled else _new_call(call)
        unit = records.call_finish(call.id, call.end_cause, new, message, unknown)
        waiter: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._writer.put(Entry(unit, self._moment(), call.id, waiter=waiter, safely=True))
        call.ticket_id = await waiter or call.ticket_id

    # what other rooms record

    def record(self, call: Call | None, unit: Unit[Any]) -> None:
        """Record something of this call (or of none), without waiting."""
        if call is not None and call.private and unit.kind.telling:
            return
        self._writer.put(Entry(unit, self._moment(), call.id if call is not None else ""))

    async def recorded(self, call: Call | None, unit: Unit[T]) -> T | None:
        """Record something, and wait for the result of its work.

        Returns:
            None: the desk is away, and will be told. Also where the call is private and the unit
            `telling`: it never will.

        Raises:
            DatabaseError: it is not recorded.
            Exception: whatever the work raises.
        """
        if call is not None and call.private and unit.kind.telling:
            return None
        return await self._waited(call.id if call is not None else "", unit)

    async def flush(self) -> None:
        """Wait until everything so far is in the desk, or kept for it."""
        await self._writer.flush()

    async def aclose(self) -> None:
        """Write or spool what waits, and close the spool."""
        await self._writer.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _waited(self, call_id: str, unit: Unit[T]) -> T | None:
        waiter: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        await self._writer.write(Entry(unit, self._moment(), call_id, waiter=waiter))
        return await waiter

    async def _looked_up(self, call: Call) -> tuple[Customer, ...]:
        """A desk that takes no records may answer questions all the same."""
        e164 = call.caller.e164 if call.caller is not None else ""
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return tuple(await self._db.read(customers.find_by_number, e164))
        except (DatabaseError, TimeoutError):
            return ()

    def _moment(self) -> datetime:
        """Now; never the same twice, so that a moment tells records apart."""
        at, last = self._now(), self._last
        if last is not None and at <= last and last - at < _SAME_MOMENT:
            at = last + _TICK
        self._last = at
        return at


def _new_call(call: Call) -> NewCall:
    caller = call.caller or Caller(input=call.caller_id, kind="unknown")
    return NewCall(id=call.id, dialled=call.dialled, caller_id=call.caller_id, caller=caller)


def _state(call: Call) -> dict[str, Any]:
    return {**call.state, PAUSED: True} if call.private else call.state
