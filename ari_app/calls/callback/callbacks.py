"""Calls back who has asked for it: a task per request, which waits in the queue like a caller.

The desk holds the requests, so none is forgotten, and says who dials one. A request keeps the
place of the caller who made it. An agent who is free for it is rung first, then the customer; once
that one answers, the call is like any other, and belongs to the ticket of the first.

Trouble of ours (desk, Asterisk, agents, trunk) postpones a request and never ends it.
"""

import asyncio
import contextlib
import secrets

import structlog

from ari_app.ari import ApplicationReplaced, AriError, Channel, ChannelSnapshot, Closed
from ari_app.calls.call import Call, Stage
from ari_app.calls.callback import records as outcome
from ari_app.calls.callback.called_back import place_of, with_agent
from ari_app.calls.callback.dial import (
    AGENT_PROMPT,
    FAILED_PROMPT,
    dial,
    shown_to_customers,
    tell,
    wait_for_customer,
)
from ari_app.calls.line import Line
from ari_app.calls.new_call import new_call
from ari_app.calls.outbound.ending import PAUSE_SECONDS, TROUBLE_SECONDS, until_over
from ari_app.calls.outbound.guard import Guard
from ari_app.calls.switchboard import Switchboard
from ari_app.calls.system import is_own
from ari_app.calls.talk.legs import hang_up, ring
from ari_app.queue import Agent, Need, Place, QueueFull, Waiting
from desk import callbacks, customers, journal
from desk.callbacks import Callback
from desk.errors import DatabaseError
from desk.journal import Call as Journaled
from desk.journal import NewCall
from desk.outbound.numbers import dial_string

log = structlog.get_logger()

LOOK_SECONDS = 30.0  # for requests that nobody has told of: the spool's, another process's
MOST_IN_LINE = 50  # requests that hold a place at a time, those who wait longest
OFFER_SECONDS = 60.0  # then hours and limits are looked at again


class Callbacks:
    """The tasks of all requests. Belongs to the process that owns the line."""

    def __init__(self, line: Line, board: Switchboard) -> None:
        self._line = line
        self._board = board
        self._settings = line.settings.callback
        self._limits = line.settings.outbound.limits
        self._guard = Guard(line)
        self._led: set[int] = set()  # requests that have a task
        self._dialled: set[int] = set()  # those among them that may have a call now
        self._placed: set[str] = set()  # ids of the calls that this process has placed

    async def run(self) -> None:
        """Work until cancelled, once the calls of a former process are taken over. Without a trunk
        nothing is done, and the requests stay."""
        if self._line.settings.outbound.trunk is None:
            return
        await self._board.resumed.wait()
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._line.callback_wanted.clear()
                for callback in await self._open():
                    if callback.id not in self._led and len(self._led) < MOST_IN_LINE:
                        self._led.add(callback.id)
                        work = self._lead(callback.id)
                        tasks.create_task(work, name=f"call-back {callback.id}")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._line.callback_wanted.wait()

    async def _open(self) -> list[Callback]:
        """This system's requests: those of its own calls."""
        system = self._line.settings.pbx.system_name
        try:
            found = await self._line.db.read(callbacks.unfinished)
            return [callback for callback in found if is_own(callback.call_id, system)]
        except DatabaseError as error:
            log.warning("call-backs not read", error=str(error))
            return []

    async def _lead(self, callback_id: int) -> None:
        """One request, until it is done."""
        try:
            while not self._board.stops:
                try:
                    if await self._step(callback_id):
                        self._line.callback_wanted.set()  # there is room for another one
                        return
                except (ApplicationReplaced, Closed):
                    return
                except (AriError, DatabaseError) as error:
                    log.warning("call-back waits", callback=callback_id, error=str(error))
                    await asyncio.sleep(TROUBLE_SECONDS)
        except Exception:
            log.exception("call-back failed; it is taken up again", callback=callback_id)
        finally:
            self._led.discard(callback_id)
            self._dialled.discard(callback_id)

    async def _step(self, callback_id: int) -> bool:
        """Whatever comes next for this request; True: it is done."""
        callback = await self._line.db.read(callbacks.get, callback_id)
        if callback is None or callback.state == "done":
            return True
        why = outcome.LOST
        if callback.state == "waiting":
            self._dialled.discard(callback_id)
            first = await self._line.db.read(journal.get, callback.call_id)
            if first is None or not await self._may_begin(callback, first):
                return False
            why = await self._attempt(callback, first)
            callback = await self._line.db.read(callbacks.get, callback_id) or callback
        if callback.state == "dialling":
            self._dialled.add(callback_id)
            await self._finish(callback, why)
        return False

    # -- before an attempt ---------------------------------------------------------------------

    async def _may_begin(self, callback: Callback, first: Journaled) -> bool:
        """Wait a moment, and False, while it is too early or too much is going on. A number that
        may not be called is refused for good: it is the caller's own, by the caller id, or none.
        """
        line, settings, now = self._line, self._settings, self._line.now()
        if dial_string(first.caller, self._limits) != callback.number:
            log.error("this number may not be called", callback=callback.id)
            await line.db.write(callbacks.done, callback.id, outcome.REFUSED, now)
            return False
        early = (callback.due_at - now).total_seconds()
        if early > 0:
            await asyncio.sleep(min(early, LOOK_SECONDS))
        elif settings.hours is not None and not line.menus.is_open(settings.hours, now):
            await asyncio.sleep(LOOK_SECONDS)
        elif first.ended_at is None or self._is_full(callback):
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return not await self._is_limited(callback, first)
        return False

    async def _is_limited(self, callback: Callback, first: Journaled) -> bool:
        """Wait a moment, and True, while `outbound.limits` lets nobody be called, or not him: an
        agent is not rung for nothing."""
        line = self._line
        cause = await self._guard.cause(callback.number, first.caller.e164, "callback")
        if cause == "do_not_call":
            await line.db.write(callbacks.done, callback.id, outcome.REFUSED, line.now())
        elif cause is not None:
            await asyncio.sleep(PAUSE_SECONDS if cause == "most_at_once" else LOOK_SECONDS)
        return cause is not None

    def _is_full(self, callback: Callback) -> bool:
        return len(self._dialled - {callback.id}) >= self._limits.most_at_once

    # -- an attempt ------------------------------------------------------------------------------

    async def _attempt(self, callback: Callback, first: Journaled) -> str:
        """Find an agent, then ring the customer; how that ended, or `lost` if it did not begin."""
        waiting = Waiting(
            id=place_of(callback.id),
            since=callback.since,
            need=Need.from_dict(callback.need),
            priority=callback.priority,
            last_agent=first.state.get("last_agent", ""),
        )
        call = await self._call(callback, first)
        try:
            with self._line.queue.join(waiting) as place:
                reached = await self._agent(callback, call, place)
        except QueueFull:
            await asyncio.sleep(TROUBLE_SECONDS)
            return outcome.LOST
        if reached is None:
            return outcome.LOST
        why = outcome.LOST
        try:
            why = await self._ring(callback, call, *reached)
        finally:
            if why != outcome.ANSWERED:
                await self._release(*reached, waiting.id)
        return why

    async def _agent(
        self, callback: Callback, call: Call, place: Place
    ) -> tuple[Agent, Channel] | None:
        """The first agent who answers; None: nobody for a while, or too much is going on."""
        while (agent := await place.offer(OFFER_SECONDS)) is not None:
            if self._is_full(callback) or self._board.stops:
                return None
            self._dialled.add(callback.id)
            leg, why = await ring(self._line, call, agent.extension)
            if leg is None:
                place.declined(why)
                continue
            place.answered()
            return agent, leg
        return None

    async def _ring(self, callback: Callback, call: Call, agent: Agent, leg: Channel) -> str:
        line, settings = self._line, self._settings
        await wait_for_customer(leg, settings.ring_seconds)
        if not await tell(line, leg, AGENT_PROMPT):
            return outcome.LOST  # the agent has hung up, and nothing is dialled yet
        call.state["talk"] = with_agent(leg.id, agent.extension).as_state()
        begun = await line.db.write(
            outcome.begin,
            callback.id,
            _new(call),
            call.state,
            shown_to_customers(line),
            self._limits,
            line.now(),
        )
        if begun != "begun":
            log.info("not dialled", callback=callback.id, why=begun)
            return outcome.LOST
        self._placed.add(call.id)
        why = await dial(line, self._board, call, leg, settings.ring_seconds)
        if why in outcome.FAULTS:
            log.error("call-back failed on our side", callback=callback.id, why=why)
        if why not in (outcome.ANSWERED, outcome.AGENT_LEFT):
            await tell(line, leg, FAILED_PROMPT)
        return why

    async def _release(self, agent: Agent, leg: Channel, place: str) -> None:
        with contextlib.suppress(AriError):  # then its own limit ends it
            await hang_up(leg)
        self._line.queue.free(agent.extension, place)

    async def _call(self, callback: Callback, first: Journaled) -> Call:
        """The call to be. Its id is one that no other attempt has, of any process."""
        line = self._line
        name = f"{line.settings.pbx.system_name}-{place_of(callback.id)}-{secrets.token_hex(4)}"
        call = new_call(ChannelSnapshot(id=name), line)
        call.stage, call.journaled = Stage.CALLBACK, True
        call.resumed = True  # a full line refuses new callers, not this one
        call.caller, call.caller_id = first.caller, first.caller_id
        call.dialled = callback.number
        call.ticket_id = first.ticket_id
        kept = {key: first.state[key] for key in ("record", "urgent") if key in first.state}
        if first.state.get("recorded") == "refused":
            kept["recorded"] = "refused"
        call.state = {
            **kept,
            "callback": callback.id,
            "since": callback.since.isoformat(),
            "need": dict(callback.need),
        }
        found = [await line.db.read(customers.get, one) for one in first.customer_ids]
        call.customers = tuple(customer for customer in found if customer is not None)
        return call

    # -- after an attempt ----------------------------------------------------------------------

    async def _finish(self, callback: Callback, why: str) -> None:
        """Wait until the call is over, whoever placed it, and keep its outcome."""
        line = self._line
        channel_id = callback.channel_id or ""
        ours = channel_id in self._placed
        if not await until_over(line, self._board, channel_id, ours=ours):
            return
        self._placed.discard(channel_id)
        why = "hung_up" if why == outcome.ANSWERED else why
        await line.db.write(
            outcome.settle, callback.id, channel_id, why, self._settings, line.now()
        )


def _new(call: Call) -> NewCall:
    assert call.caller is not None  # noqa: S101 - that of the first call
    return NewCall(
        id=call.id,
        dialled=call.dialled,
        caller_id=call.caller_id,
        caller=call.caller,
        customer_ids=tuple(customer.id for customer in call.customers),
        direction="outbound",
        ticket_id=call.ticket_id,
    )
