"""The line of a real Asterisk, and calls to it made of Local channels."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from ari_app.ari import (
    Channel,
    ChannelGone,
    Client,
    Conflict,
    Event,
    Events,
    NotFound,
    StasisStart,
)
from tests.rig.asterisk import LINE_NUMBER

LONG = "tone:400"  # plays until it is stopped
SHORT = "sound:huisheng/test-short"  # 0.3 s
ClientOn = Callable[..., Client]


async def clear(line: Client) -> None:
    for snapshot in await line.channels.list():
        with contextlib.suppress(NotFound):
            await line.channel(snapshot.id).hangup()
    for bridge in await line.bridges.list():
        with contextlib.suppress(NotFound, Conflict):  # just ended, or ending
            await line.bridge(bridge.id).destroy()


async def ring_in(line: Client, far: Client) -> tuple[Channel, Channel]:
    """(our channel, the caller's half) of a new call to the line."""
    caller = await far.channels.originate(f"Local/{LINE_NUMBER}@from-trunk/n")
    async with asyncio.timeout(5):
        start = await anext(line.arrivals())
    return line.channel(start.channel.id), caller


async def call(line: Client, far: Client) -> tuple[Channel, Channel]:
    """The same, answered on both sides."""
    ours, caller = await ring_in(line, far)
    with caller.listen(StasisStart) as events:  # the caller's half enters once we answer
        await ours.answer()
        await one(events)
    return ours, caller


async def until_gone(events: Events[Event]) -> list[str]:
    seen = []
    with contextlib.suppress(ChannelGone):
        while (event := await events.get(5)) is not None:
            seen.append(event.type)
    return seen


async def one(events: Any) -> Event:
    event = await events.get(5)
    assert event is not None
    return event
