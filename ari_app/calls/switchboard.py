"""Takes each arriving caller and gives the call a coroutine of its own."""

import asyncio
import contextlib

import structlog

from ari_app.ari import StasisStart
from ari_app.calls.call import Call
from ari_app.calls.lease import Lease
from ari_app.calls.line import Line
from ari_app.calls.serve import hand_to_dialplan, serve

log = structlog.get_logger()

STOP_SECONDS = 10.0


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
            async for start in self._line.ari.arrivals():
                self._take(start)
        finally:
            await self._stop()

    def _take(self, start: StasisStart) -> None:
        call = _call(start, self._line)
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


def _call(start: StasisStart, line: Line) -> Call:
    channel = line.ari.channel(start.channel.id)

    async def set_timeout(seconds: int) -> None:
        await channel.set_variable("TIMEOUT(absolute)", str(seconds))

    return Call(
        id=start.channel.id,
        channel=channel,
        events=channel.listen(),
        caller_id=start.channel.caller.number,
        dialled=start.channel.dialplan.exten,
        menus=line.menus,
        lease=Lease(line.settings.pbx.lease_seconds, line.clock, set_timeout),
    )


async def _refuse(call: Call) -> None:
    log.error("the line is full: the dialplan serves this caller", call=call.id)
    await hand_to_dialplan(call)
