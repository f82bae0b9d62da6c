"""Places the calls that the desk wants: a task per request, by whichever process owns a line.

To confirm a solution the customer is rung alone. For an agent's call the agent's telephone rings
first. The desk holds the requests, so none is forgotten, and says who dials one. Trouble of ours
(desk, Asterisk, agents, trunk) postpones a request and never ends it.
"""

import asyncio
import contextlib
from datetime import timedelta

import structlog

from ari_app.ari import ApplicationReplaced, AriError, Closed
from ari_app.calls.callback.dial import dial, shown_to_customers
from ari_app.calls.line import Line
from ari_app.calls.outbound import outbound_records as records
from ari_app.calls.outbound.by_agent import NotReached, with_agent_first
from ari_app.calls.outbound.ending import PAUSE_SECONDS, TROUBLE_SECONDS, until_over
from ari_app.calls.outbound.guard import Guard
from ari_app.calls.outbound.new_call import asking_call, channel_name, new_call_row
from ari_app.calls.outbound.settling import settle_attempt
from ari_app.calls.switchboard import Switchboard
from ari_app.calls.system import is_own
from ari_app.calls.talk.legs import hang_up
from desk.errors import DatabaseError
from desk.outbound import Cause, Request, due, limits, outcomes, requests
from desk.outbound.attempts import OPEN_AT_MOST

log = structlog.get_logger()

CONTEXT = "huisheng-outbound"
LOOK_SECONDS = 5.0  # for what other processes wrote: a click, the switch
LEAST_SECONDS = 0.2
MOST_LED = 100  # requests with a task at a time, those that wait longest
FINAL: frozenset[Cause] = frozenset({"prefix", "do_not_call"})
ANSWERED, LOST, STOPPED = "answered", "lost", "stopped"


class Placing:
    """The tasks of all requests. Belongs to the process that owns the line."""

    def __init__(self, line: Line, board: Switchboard) -> None:
        self._line = line
        self._board = board
        self._settings = line.settings.outbound
        self._guard = Guard(line)
        self._system = line.settings.pbx.system_name
        self._led: set[int] = set()  # requests that have a task
        self._placed: set[str] = set()  # ids of the calls that this process has placed
        self._ringing: set[str] = set()  # those that nobody has answered yet

    async def run(self) -> None:
        """Work until cancelled, once the calls of a former process are taken over. Without a trunk
        nothing is done, and the requests stay."""
        if self._settings.trunk is None:
            return
        await self._board.resumed.wait()
        async with asyncio.TaskGroup() as tasks:
            with self._line.db.subscribe() as commits:
                while True:
                    for request in await self._due():
                        if request.id not in self._led and len(self._led) < MOST_LED:
                            self._led.add(request.id)
                            work = self._lead(request.id)
                            tasks.create_task(work, name=f"outbound {request.id}")
                    await asyncio.sleep(LEAST_SECONDS)
                    await commits.wait(await self._patience())

    async def _due(self) -> list[Request]:
        """What this system has under way, what another one left for good, and what anybody may take
        now; an agent's call, whoever has the agent's telephone."""
        line = self._line
        try:
            if self._ringing and (await line.db.read(limits.standing)).stopped:
                await self._silence()
            begun = await line.db.read(due.under_way, f"{self._system}-")
            found = [each for each in begun if is_own(each.channel_id or "", self._system)]
            found += await line.db.read(due.abandoned, line.now() - OPEN_AT_MOST)
            if not self._board.stops:
                ours = [agent.extension for agent in line.settings.pbx.agents]
                found += await line.db.read(due.to_call, line.now(), MOST_LED, ours)
        except DatabaseError as error:
            log.warning("calls that are wanted were not read", error=str(error))
            return []
        return found

    async def _patience(self) -> float:
        """For how many seconds nothing is to be done, if nobody writes."""
        now = self._line.now()
        try:
            due_at = await self._line.db.read(due.next_call, now)
        except DatabaseError:
            return LOOK_SECONDS
        return LOOK_SECONDS if due_at is None else min((due_at - now).total_seconds(), LOOK_SECONDS)

    async def _silence(self) -> None:
        """The switch was turned: nobody's telephone rings on."""
        for channel_id in sorted(self._ringing):
            with contextlib.suppress(AriError):
                await hang_up(self._line.ari.channel(channel_id))

    async def _lead(self, request_id: int) -> None:
        """One request, until it is over or has to wait."""
        try:
            while True:
                try:
                    if await self._step(request_id):
                        return
                except (ApplicationReplaced, Closed):
                    return
                except (AriError, DatabaseError) as error:
                    log.warning("call waits", request=request_id, error=str(error))
                    await asyncio.sleep(TROUBLE_SECONDS)
        except Exception:
            log.exception("call failed; it is taken up again", request=request_id)
            await asyncio.sleep(TROUBLE_SECONDS)
        finally:
            self._led.discard(request_id)

    async def _step(self, request_id: int) -> bool:
        """Whatever comes next for this request; True: nothing for now."""
        line = self._line
        request = await line.db.read(requests.get, request_id)
        if request is None:
            return True
        why = LOST
        if request.state == "waiting":
            if request.due_at is None or request.due_at > line.now() or self._board.stops:
                return True
            cause = await self._guard.cause(
                request.number, request.e164, request.purpose, request.agent
            )
            if cause is not None:
                return await self._refused(request, cause)
            if request.purpose == "confirm":
                why = await self._confirm(request)
            else:
                why = await self._by_agent(request)
            request = await line.db.read(requests.get, request_id) or request
        return not self._settles(request) or await self._finish(request, why)

    def _settles(self, request: Request) -> bool:
        """Whether the end of its call is for this process to find. Where another system has been
        quicker, only its own Asterisk has the call."""
        if request.state not in ("dialling", "done") or request.channel_id is None:
            return False
        left = request.state == "dialling" and request.updated_at < self._line.now() - OPEN_AT_MOST
        return left or is_own(request.channel_id, self._system)

    async def _refused(self, request: Request, cause: Cause) -> bool:
        """Never, or not now: such a request waits."""
        line, now = self._line, self._line.now()
        if cause in FINAL or request.purpose == "click":
            await line.db.write(outcomes.refused, request.id, cause, now)
            return True
        if cause == "most_per_number_per_day":
            later = now + timedelta(hours=24)
            await line.db.write(outcomes.postponed, request.id, cause, later, now)
            return True
        await asyncio.sleep(PAUSE_SECONDS if cause == "most_at_once" else LOOK_SECONDS)
        return True

    # -- the two kinds of calls --------------------------------------------------------------------

    async def _confirm(self, request: Request) -> str:
        """Ring the customer; how that ended, or `lost` if it did not begin."""
        line = self._line
        call = await asking_call(line, request)
        if call is None:
            return LOST
        begun = await line.db.write(
            records.begin_confirm,
            request.id,
            new_call_row(call),
            call.stage,
            call.state,
            shown_to_customers(line),
            self._settings,
            line.settings.company.tz,
            line.now(),
        )
        if begun != "begun":
            log.info("not called", request=request.id, why=begun)
            return LOST
        self._placed.add(call.id)
        self._ringing.add(call.id)
        try:
            seconds = self._settings.ring_seconds
            why = await dial(line, self._board, call, None, seconds, CONTEXT)
        finally:
            self._ringing.discard(call.id)
        return await self._or_stopped(why)

    async def _by_agent(self, request: Request) -> str:
        """Ring the agent, then the customer."""
        line = self._line
        name = channel_name(line, request)
        shown = shown_to_customers(line)
        if not await line.db.write(records.claim, request.id, name, shown, line.now()):
            return LOST
        self._placed.add(name)
        self._ringing.add(name)
        try:
            why = await with_agent_first(line, self._board, request, name)
        except NotReached as missed:
            why = missed.why
        finally:
            self._ringing.discard(name)
        return await self._or_stopped(why)

    async def _or_stopped(self, why: str) -> str:
        """Who was hung up on because calls were stopped has not failed to answer."""
        if why == ANSWERED or not (await self._line.db.read(limits.standing)).stopped:
            return why
        return STOPPED

    # -- after an attempt --------------------------------------------------------------------------

    async def _finish(self, request: Request, why: str) -> bool:
        """Wait until the call is over, whoever placed it, and keep its outcome."""
        line, channel_id = self._line, request.channel_id or ""
        ours = channel_id in self._placed
        if not await until_over(line, self._board, channel_id, ours=ours):
            return False
        self._placed.discard(channel_id)
        await line.db.write(
            settle_attempt,
            request.id,
            channel_id,
            "hung_up" if why == ANSWERED else why,
            self._settings,
            line.settings.company.tz,
            line.now(),
        )
        return True
