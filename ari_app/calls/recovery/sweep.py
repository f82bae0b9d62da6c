"""Removing from Asterisk what a former process made and no call owns any more.

Agents' legs (`c-…`), snoops (`s-…`), media channels (`m-…`) and bridges (`b-…`) of our application
stay when we die. Which are ours is told by the form of their ids (`ari_app.ari.new_id`), and that
our application holds them; what this process has made itself is never touched, so a sweep may run
at any time.

One request after the other, and one bridge after the other: parallel clean-up of one bridge has
crashed Asterisk (asterisk/asterisk#1201).
"""

import re
from collections.abc import Awaitable, Collection
from datetime import datetime, timedelta

import structlog

from ari_app.ari import AriError, BridgeSnapshot, Client, Conflict, NotFound, instant, new_id

log = structlog.get_logger()

# An empty bridge cannot be told to be our application's; another's is filled sooner.
EMPTY_AGE = timedelta(seconds=60)
_CHANNEL = re.compile(r"[csm]-([0-9a-f]{10})-[0-9a-f]+")
_BRIDGE = re.compile(r"b-([0-9a-f]{10})-[0-9a-f]+")


async def sweep(
    ari: Client,
    *,
    channels: Collection[str],
    bridges: Collection[str],
    now: datetime | None = None,
) -> tuple[str, ...]:
    """Remove our orphans; their ids. What is gone already, or cannot be removed, stops nothing.

    Args:
        channels, bridges: ids that living or resumed calls own; they stay.
        now: to tell old empty bridges from new ones; without it empty bridges of others stay.

    Raises:
        AriError: Asterisk does not say what it holds.
    """
    held = await ari.applications.get(ari.application)
    there = {channel.id for channel in await ari.channels.list()}
    orphans = {
        ident
        for ident in there
        if ident in held.channel_ids and ident not in channels and _left(_CHANNEL, ident)
    }
    doomed = [
        bridge
        for bridge in await ari.bridges.list()
        if bridge.id not in bridges
        and _left(_BRIDGE, bridge.id)
        and _ours(bridge, orphans, there, ari.application, now)
    ]
    removed: list[str] = []
    for bridge in doomed:
        # The bridge first: that ends its recording, which Asterisk then stores whole.
        removed += await _removed(ari.bridge(bridge.id).destroy(), bridge.id)
        for ident in bridge.channels:
            if ident in orphans:
                removed += await _removed(_hang_up(ari, ident), ident)
    for ident in sorted(orphans.difference(*(bridge.channels for bridge in doomed))):
        removed += await _removed(_hang_up(ari, ident), ident)
    if removed:
        log.warning("swept what a former process left", removed=len(removed))
    return tuple(removed)


def _left(form: re.Pattern[str], ident: str) -> bool:
    """Whether the id is one of ours, but not of this process."""
    match = form.fullmatch(ident)
    return match is not None and match[1] != new_id("p").split("-")[1]


def _ours(
    bridge: BridgeSnapshot,
    orphans: Collection[str],
    there: Collection[str],
    application: str,
    now: datetime | None,
) -> bool:
    """Whether an unowned bridge is our application's and nobody uses it."""
    # Channels that record or announce are Asterisk's own and in no list.
    members = {ident for ident in bridge.channels if ident in there}
    if members:
        return members <= set(orphans)
    if bridge.name:
        return bridge.name == application
    return now is not None and now - instant(bridge.creationtime) > EMPTY_AGE


async def _hang_up(ari: Client, ident: str) -> None:
    channel = ari.channel(ident)
    if ident.startswith("c-"):
        # Its hang-up handler must not send a caller back who is somewhere else by now.
        await channel.get_variable("SET(HUISHENG_CALLER=)")
    await channel.hangup()


async def _removed(request: Awaitable[None], ident: str) -> list[str]:
    """Perform a request; the id if there was something to remove."""
    try:
        await request
    except (NotFound, Conflict):  # gone, or just going
        return []
    except AriError as error:
        log.error("not swept", id=ident, error=str(error))
        return []
    return [ident]
