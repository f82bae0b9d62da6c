"""Taking one party's audio once, for the recording and for the ear: never from the talk itself.

A snoop channel copies what the party says into a bridge of its own. That bridge is recorded (the
recording goes on when this process dies), and a media channel in it sends the audio to us. A
channel that is in a bridge cannot be recorded itself (measured: 201, and nothing is written).
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

import structlog

from ari_app.ari import AriError, Channel, Event, Events, NotFound, StasisStart
from ari_app.ari.ids import new_id
from ari_app.calls.line import Line
from ari_app.calls.talk.conversation import Tapped
from ari_app.calls.written import is_written

log = structlog.get_logger()

Hear = Callable[[str], None]
"""Begins to read a party's audio from a URL."""

ENTER_SECONDS = 2.0
FORMAT = "slin"  # PCM16, little-endian, 8 kHz: 320 bytes every 20 ms


def new_tap(channel: Channel, party: str) -> Tapped:
    """A tap that is still to be opened."""
    return Tapped(channel=channel.id, party=party, snoop=new_id("s"), bridge=new_id("b"), since="")


async def open_tap(line: Line, tap: Tapped, recording: str, *, paused: bool) -> None:
    """Tap the channel, and record it under a name; "": not at all. Paused: nothing is kept yet.

    Raises:
        AriError: it cannot be tapped; nothing is left behind.
    """
    tap.since = line.now().isoformat()
    try:
        await _open(line, tap)
        if recording:
            tap.recording = recording
            await line.ari.bridge(tap.bridge).record(tap.recording, if_exists="append")
            tap.since = line.now().isoformat()
        if paused:
            await pause_tap(line, tap, line.now())
    except BaseException:
        await close_tap(line, tap)
        raise


async def _open(line: Line, tap: Tapped) -> None:
    bridge = line.ari.bridge(tap.bridge)
    entering: Events[Event] = line.ari.listen(StasisStart, channels=[tap.snoop])
    with entering:
        done = await asyncio.gather(
            line.ari.channel(tap.channel).snoop(spy="in", snoop_id=tap.snoop, app_args="tap"),
            line.ari.bridges.create(type="mixing", bridge_id=bridge.id, name=line.ari.application),
            return_exceptions=True,  # what fails does not leave the other one under way
        )
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure
        await entering.get(ENTER_SECONDS)
    await bridge.add_channel(tap.snoop)


async def attach_ear(line: Line, tap: Tapped, hear: Hear) -> None:
    """Add a media channel to the tap's bridge: for a new tap, and again by the next process.

    The channel enters the application only when somebody fetches its audio, so `hear` is called
    first.
    """
    tap.media = new_id("m")
    entering: Events[Event] = line.ari.listen(StasisStart, channels=[tap.media])
    with entering:
        made = await line.ari.channels.external_media(
            external_host="INCOMING",
            format=FORMAT,
            channel_id=tap.media,
            transport="websocket",
            encapsulation="none",
            connection_type="server",
            transport_data="f(json)",
        )
        ident = made.channelvars["MEDIA_WEBSOCKET_CONNECTION_ID"]
        hear(f"ws://127.0.0.1:{line.settings.pbx.http_port}/media/{ident}")
        await entering.get(ENTER_SECONDS)
    await line.ari.bridge(tap.bridge).add_channel(tap.media)


async def detach_ear(line: Line, tap: Tapped) -> None:
    """Remove the media channel; the recording goes on."""
    media, tap.media = tap.media, ""
    if media:
        await _quietly(tap, line.ari.channel(media).hangup())


async def pause_tap(line: Line, tap: Tapped, now: datetime) -> None:
    """Leave out what is said from now on. Raises AriError where Asterisk does not; a recording
    that has ended keeps nothing."""
    if tap.recording:
        with contextlib.suppress(NotFound):
            await line.ari.recordings.live(tap.recording).pause()
    if not tap.paused:
        tap.pauses.append([_since(tap, now)])
        tap.paused = True


async def resume_tap(line: Line, tap: Tapped, now: datetime) -> None:
    """Go on recording."""
    if tap.recording:
        with contextlib.suppress(NotFound):
            await line.ari.recordings.live(tap.recording).unpause()
    if tap.paused:
        tap.pauses[-1].append(_since(tap, now))
        tap.paused = False


async def close_tap(line: Line, tap: Tapped) -> None:
    """End the recording, which Asterisk then stores, and remove what the tap was made of: after the
    recording's end, for without its bridge it loses what it has not written yet."""
    if tap.recording:
        await _quietly(tap, line.ari.recordings.live(tap.recording).stop())
        await _quietly(tap, is_written(line.ari, tap.recording))
    await _quietly(tap, line.ari.bridge(tap.bridge).destroy())
    for ident in (tap.snoop, tap.media):
        if ident:
            await _quietly(tap, line.ari.channel(ident).hangup())


async def _quietly(tap: Tapped, request: "asyncio.Future[None] | object") -> None:
    try:
        with contextlib.suppress(NotFound):
            await request  # type: ignore[misc]
    except AriError as error:
        log.warning("tap not quite removed", channel=tap.channel, error=str(error))


def _since(tap: Tapped, now: datetime) -> float:
    return round((now - datetime.fromisoformat(tap.since)).total_seconds(), 3)
