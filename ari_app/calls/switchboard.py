"""Takes each arriving caller and gives the call a coroutine of its own."""

import asyncio
import contextlib

import structlog

from ari_app.ari import ApplicationReplaced, AriError, ChannelSnapshot, StasisStart
from ari_app.calls.call import Call
from ari_app.calls.lease import Lease
from ari_app.calls.line import Line
from ari_app.calls.resume import close_lost, remember, unfinished
from ari_app.calls.serve import hand_to_dialplan, serve

log = structlog.get_logger()

STOP_SECONDS = 10.0
CALLER = "line"  # the first argument of Stasis() for a caller; see asterisk_conf
INBOUND = "huisheng-line"  # the dialplan context of callers; see asterisk_conf


class Switchboard:
    """Owns the coroutines of all calls on the line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._calls: dict[str, asyncio.Task[None]] = {}

    @property
    def live(self) -> int:
        """How many calls have a coroutine now."""
        return len(self._calls)

    @property
    def call_ids(self) -> frozenset[str]:
        """Which calls those are."""
        return frozenset(self._calls)

    async def run(self) -> None:
        """Serve callers until cancelled; running calls then go to the dialplan, which serves on.

        Raises:
            ApplicationReplaced: another process took the line; the calls are its own now.
        """
        try:
            await self._resume()
            async for start in self._line.ari.arrivals():
                await self._arrived(start)
        finally:
            await self._stop()

    async def _arrived(self, start: StasisStart) -> None:
        if start.channel.id in self._calls:
            return  # it came while we were taking over, and was taken over
        if start.args[:1] == [CALLER]:
            self._take(_call(start.channel, self._line))
            return
        log.warning("not a caller: back to the dialplan", channel=start.channel.id, args=start.args)
        with contextlib.suppress(AriError):
            await self._line.ari.channel(start.channel.id).continue_in_dialplan()

    async def _resume(self) -> None:
        """Take over what a former process left: callers who wait, and calls that were lost."""
        line = self._line
        application = await line.ari.applications.get(line.ari.application)
        present = {
            channel.id: channel
            for channel in await line.ari.channels.list()
            if channel.id in application.channel_ids and channel.dialplan.context == INBOUND
        }
        lost = []
        for journaled in await unfinished(line):
            channel = present.pop(journaled.id, None)
            call = _call(channel or ChannelSnapshot(id=journaled.id), line)
            await remember(call, journaled, line)
            if channel is None:
                lost.append(call)
            else:
                self._take(call)
        for channel in present.values():  # came while nobody was here to journal it
            self._take(_call(channel, line))
        await close_lost(lost, line)

    def _take(self, call: Call) -> None:
        full = len(self._calls) >= self._line.settings.pbx.most_calls
        work = _refuse(call) if full else self._serve(call)
        task = asyncio.create_task(work, name=f"call {call.id}")
        self._calls[call.id] = task
        task.add_done_callback(lambda _: self._calls.pop(call.id, None))

    async def _serve(self, call: Call) -> None:
        try:
            with call.events:
                await serve(call, self._line)
        except asyncio.CancelledError:
            await hand_to_dialplan(call)
            raise
        except ApplicationReplaced:
            log.error("another process serves this call now", call=call.id)
        except Exception:
            # The call stays unfinished in the journal, where the next start finds it.
            log.exception("call could not be wrapped up", call=call.id, stage=call.stage)

    async def _stop(self) -> None:
        tasks = list(self._calls.values())
        for task in tasks:
            task.cancel("the line stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*tasks, return_exceptions=True)


def _call(snapshot: ChannelSnapshot, line: Line) -> Call:
    channel = line.ari.channel(snapshot.id)

    async def set_timeout(seconds: int) -> None:
        await channel.set_variable("TIMEOUT(absolute)", str(seconds))

    return Call(
        id=snapshot.id,
        channel=channel,
        events=channel.listen(),
        caller_id=snapshot.caller.number,
        dialled=snapshot.dialplan.exten,
        menus=line.menus,
        lease=Lease(line.settings.pbx.lease_seconds, line.clock, set_timeout),
    )


async def _refuse(call: Call) -> None:
    log.error("the line is full: the dialplan serves this caller", call=call.id)
    await hand_to_dialplan(call)
