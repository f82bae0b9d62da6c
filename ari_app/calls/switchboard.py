"""Takes each arriving caller and gives the call a coroutine of its own."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from ari_app.ari import ApplicationReplaced, AriError, ChannelSnapshot, StasisStart
from ari_app.calls.call import Call, Stage
from ari_app.calls.feature_codes import feature_code
from ari_app.calls.line import Line
from ari_app.calls.new_call import new_call
from ari_app.calls.recovery.evidence import Evidence
from ari_app.calls.recovery.resume import INBOUND, Noted, former_calls, nothing_noted, remember
from ari_app.calls.recovery.sweep import sweep
from ari_app.calls.serve import hand_to_dialplan, serve
from desk import journal

log = structlog.get_logger()

STOP_SECONDS = 10.0
SECURE_SECONDS = 2.0
DRAIN_LOOK_SECONDS = 1.0
ENDING = frozenset(
    {Stage.MESSAGE, Stage.CONFIRM, Stage.SURVEY, Stage.WRAP_UP}
)  # nobody is asked to tell it all again
# The first argument of Stasis(), which says what comes in; see asterisk_conf.
CALLER, BACK, FEATURE = "line", "back", "feature"
PLACED = frozenset({"callback", "outbound"})  # whom we have called


@dataclass(frozen=True)
class Served:
    """A call and the coroutine that serves it."""

    call: Call
    task: asyncio.Task[None]


class Switchboard:
    """Owns the coroutines of all calls on the line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._calls: dict[str, Served] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._outbound: dict[str, Call] = {}
        self._draining = False
        self.resumed = asyncio.Event()  # set once the calls of a former process are taken over
        self._leaving = False

    @property
    def live(self) -> int:
        """How many calls have a coroutine now."""
        return len(self._calls)

    @property
    def call_ids(self) -> frozenset[str]:
        """Which calls those are."""
        return frozenset(self._calls)

    def stages(self) -> list[Stage]:
        """The stage of each of them."""
        return [served.call.stage for served in self._calls.values()]

    def call(self, call_id: str) -> Call | None:
        """The live call with this id."""
        served = self._calls.get(call_id)
        return served.call if served is not None else None

    async def run(self, noted: Noted = nothing_noted) -> None:
        """Serve callers until cancelled; running calls then go to the dialplan, which serves on.

        Args:
            noted: what the dialplan has noted of calls meanwhile, asked once.

        Raises:
            ApplicationReplaced: another process took the line; the calls are its own now.
        """
        try:
            await self._resume(await noted())
            self.resumed.set()
            self._errand(self._adopt(), "adopt")
            async for start in self._line.ari.arrivals():
                self._arrived(start)
        finally:
            await self._stop()

    async def drain(self, seconds: float) -> None:
        """Send new callers to the dialplan from now on, hand over those who choose or wait, and
        give everybody `seconds` to come to an end: talks, messages here and in the dialplan.
        """
        self._draining = True
        for served in list(self._calls.values()):
            if served.call.id not in self._line.talks and served.call.stage not in ENDING:
                served.task.cancel("the line stops")
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while (left := await self._left()) and loop.time() < ends:
            log.warning("the line stops when its calls have ended", calls=left)
            await asyncio.sleep(min(DRAIN_LOOK_SECONDS, max(0.0, ends - loop.time())))

    async def _left(self) -> int:
        """How many calls still need us or our Asterisk."""
        try:
            inbound = [c for c in await self._line.ari.channels.list() if c.dialplan.context]
        except AriError:
            return len(self._calls)
        return max(len(self._calls), len(inbound))

    def leave_in_place(self) -> None:
        """What ends from now on leaves callers where they are: the next process goes on."""
        self._leaving = True

    async def secure(self) -> None:
        """Give callers leases that last until a next process may have come; a talk has none."""
        seconds, talks = self._line.settings.pbx.lease_seconds, self._line.talks
        calls = [served.call for served in self._calls.values() if served.call.id not in talks]
        renewed = (call.lease.cover(seconds) for call in calls)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECURE_SECONDS):
                await asyncio.gather(*renewed, return_exceptions=True)

    @property
    def leaving(self) -> bool:
        """Whether callers are left where they are."""
        return self._leaving

    @property
    def stops(self) -> bool:
        """Whether no call is to be begun any more."""
        return self._draining or self._leaving

    async def ended(self, call_id: str) -> None:
        """Wait until that call has no coroutine any more."""
        served = self._calls.get(call_id)
        if served is not None:
            await asyncio.wait([served.task])

    # -- calls that we place -----------------------------------------------------------------------

    def expect(self, call: Call) -> None:
        """Serve this call once the customer answers whom we are about to ring."""
        self._outbound[call.id] = call

    def connect(self, channel: ChannelSnapshot) -> bool:
        """The customer has answered; False: nobody expects that call (any more)."""
        call = self._outbound.pop(channel.id, None)
        if call is None:
            return False
        call.channel_name = channel.name
        self.take(call)
        return True

    def forget(self, call: Call) -> bool:
        """Expect the call no longer. False: it was not expected any more, but answered."""
        return self._outbound.pop(call.id, None) is not None

    # -- arrivals ----------------------------------------------------------------------------------

    def _arrived(self, start: StasisStart) -> None:
        channel, kind = start.channel, start.args[0] if start.args else ""
        served = self._calls.get(channel.id)
        if kind == BACK and served is not None:
            served.call.hear_again()
            served.call.returned.set()
        elif kind == BACK:
            self._errand(self._take_back(channel), f"back {channel.id}")
        elif served is not None:
            pass  # it came while we were taking over, and was taken over
        elif kind == CALLER:
            self.take(new_call(channel, self._line))
        elif kind in PLACED:
            if not self.connect(channel):
                self._errand(self._take_back(channel), f"back {channel.id}")
        elif kind == FEATURE:
            self._errand(feature_code(self._line, start), f"feature {channel.id}")
        else:
            self._errand(self._send_away(start), f"stray {channel.id}")

    async def _adopt(self) -> None:
        """Callers whom Asterisk holds for us after a connect, and nobody has told us of: who came
        over a connection that was half dead. Those of a former process are taken over by now.
        """
        async for channel in self._line.ari.adopted():
            if channel.id not in self._calls and channel.dialplan.context in INBOUND:
                log.warning("caller found who was not announced", call=channel.id)
                self._errand(self._take_in(channel), f"found {channel.id}")

    async def _take_in(self, channel: ChannelSnapshot) -> None:
        if await self._line.db.read(journal.get, channel.id) is not None:
            await self._take_back(channel)
        elif channel.id not in self._calls:
            call = new_call(channel, self._line)
            call.lease.doubt()
            self.take(call)

    async def _send_away(self, start: StasisStart) -> None:
        """Neither a caller nor anything of a talk that we know: a leg answered too late."""
        log.warning("not a caller", channel=start.channel.id, args=start.args)
        channel = self._line.ari.channel(start.channel.id)
        with contextlib.suppress(AriError):
            await (channel.hangup() if start.args else channel.continue_in_dialplan())

    async def _take_back(self, channel: ChannelSnapshot) -> None:
        """A caller whose talk a former process served, and whose agent left since; or a customer
        whom it rang, and who has answered since."""
        call = new_call(channel, self._line)
        journaled = await self._line.db.read(journal.get, channel.id)
        if journaled is None or journaled.ended_at is not None:
            await hand_to_dialplan(call)
            return
        await remember(call, journaled, self._line)
        self.take(call)

    # -- a former process's calls --------------------------------------------------------------

    async def _resume(self, noted: Mapping[str, Evidence]) -> None:
        """Take over what a former process left: callers who wait or talk, and calls lost."""
        calls, found = await former_calls(self._line, noted)
        for call in calls:
            self.take(call)
        await sweep(self._line.ari, channels=found.owned_channels, bridges=found.owned_bridges)

    # -- coroutines --------------------------------------------------------------------------------

    def take(self, call: Call) -> None:
        """Give the call a coroutine."""
        full = self._is_full()
        refused = self._draining or (full and not call.resumed)
        work = _refuse(call, self._draining) if refused else self._serve(call)
        task = asyncio.create_task(work, name=f"call {call.id}")
        self._calls[call.id] = Served(call, task)
        task.add_done_callback(lambda _: self._calls.pop(call.id, None))

    def _is_full(self) -> bool:
        """Calls that are only wrapped up have no caller any more, and may take long."""
        most = self._line.settings.pbx.most_calls
        if len(self._calls) < most:
            return False
        return sum(stage is not Stage.WRAP_UP for stage in self.stages()) >= most

    def _errand(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._errands.add(task)
        task.add_done_callback(self._errand_done)

    def _errand_done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("errand failed", errand=task.get_name(), exc_info=task.exception())

    async def _serve(self, call: Call) -> None:
        call.events.open()
        try:
            await serve(call, self._line)
        except asyncio.CancelledError:
            talks = call.stage is Stage.TALK and "talk" in call.state  # and goes on without us
            if not talks and not self._leaving:
                await hand_to_dialplan(call)
            raise
        except ApplicationReplaced:
            log.error("another process serves this call now", call=call.id)
        except Exception:
            # The call stays unfinished in the journal, where the next start finds it.
            log.exception("call could not be wrapped up", call=call.id, stage=call.stage)
        finally:
            call.events.close()

    async def _stop(self) -> None:
        tasks = [*(served.task for served in self._calls.values()), *self._errands]
        for task in tasks:
            task.cancel("the line stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*tasks, return_exceptions=True)


async def _refuse(call: Call, stopping: bool) -> None:
    if not stopping:
        log.error("the line is full: the dialplan serves this caller", call=call.id)
    await hand_to_dialplan(call)
