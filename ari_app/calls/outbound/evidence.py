"""The recording of a call in which a customer is asked: both sides, so that question and answer can
be heard.

A snoop channel copies both directions into a bridge that is recorded; the recording goes on when
this process dies, and is fetched by its journaled name.
"""

import asyncio
import contextlib

import structlog

from ari_app.ari import AriError, Event, Events, NotFound, StasisStart
from ari_app.ari.ids import new_id
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.talk.conversation import Tapped
from ari_app.calls.talk.keeping import keep_recordings
from ari_app.calls.talk.tap import ENTER_SECONDS, close_tap
from desk.recordings import StoreError

log = structlog.get_logger()

KIND = "mix"
KEEP_SECONDS = 3.0


async def begin_recording(call: Call, line: Line) -> Tapped | None:
    """Record from now on; None: it cannot be, which is told to operators and stops nobody."""
    tap = Tapped(channel=call.id, party="", snoop=new_id("s"), bridge=new_id("b"), since="")
    tap.since = line.now().isoformat()
    name = f"confirm-{call.id}-{len(call.pieces) + 1}"
    call.pieces.append(
        {
            "kind": KIND,
            "name": name,
            "party": "",
            "leg": call.id,
            "since": tap.since,
            "pauses": [],
            "live": True,  # nobody transcribes our own prompts
        }
    )
    await line.journal.enter(call)  # whoever goes on after us knows what to fetch
    try:
        bridge = line.ari.bridge(tap.bridge)
        entering: Events[Event] = line.ari.listen(StasisStart, channels=[tap.snoop])
        with entering:
            await call.channel.snoop(spy="both", snoop_id=tap.snoop, app_args="tap")
            await line.ari.bridges.create(
                type="mixing", bridge_id=bridge.id, name=line.ari.application
            )
            await entering.get(ENTER_SECONDS)
        await bridge.add_channel(tap.snoop)
        tap.recording = name
        await bridge.record(name, if_exists="append")
    except AriError as error:
        if await call.is_ending():
            log.info("hung up before the recording began", call=call.id)
        else:
            log.error("call not recorded", call=call.id, error=str(error))
        await close_tap(line, tap)
        return None
    return tap


async def end_recording(line: Line, tap: Tapped | None) -> None:
    """Asterisk stores what was recorded; it is fetched by the wrap-up, or sooner."""
    if tap is not None:
        await close_tap(line, tap)


async def end_former(call: Call, line: Line) -> None:
    """End what a former process began to record in this call."""
    for piece in call.pieces:
        with contextlib.suppress(NotFound):
            await line.ari.recordings.live(piece["name"]).stop()


async def keep_now(call: Call, line: Line) -> str:
    """Bring what is recorded into our own store before the answer is written down; the name of the
    recording with the answer. What takes long is done by the wrap-up.
    """
    name: str = call.pieces[-1]["name"] if call.pieces else ""
    try:
        async with asyncio.timeout(KEEP_SECONDS):
            await keep_recordings(call, line)
    except (TimeoutError, AriError, StoreError) as error:
        log.warning("recording is kept later", call=call.id, error=str(error) or "too slow")
    return name
