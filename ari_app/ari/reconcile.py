"""After a connect: what Asterisk has, against what we believe, and the events that mend it.

Events that happened while no websocket was open are lost, and StasisStart is not repeated. So the
application is asked what it holds: channels that are gone get the event we missed, those of ours
that entered it meanwhile likewise (an agent has answered), and playbacks and recordings that ended;
channels nobody here knows are reported for adoption.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from ari_app.ari import events
from ari_app.ari.errors import NotFound
from ari_app.ari.exchange import Exchange
from ari_app.ari.snapshots import (
    ApplicationSnapshot,
    BridgeSnapshot,
    ChannelSnapshot,
    LiveRecordingSnapshot,
    PlaybackSnapshot,
)

STASIS = "Stasis"  # the dialplan application that a channel in an application executes

Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one reconciliation found: ids of channels that went, of channels of ours that entered,
    and channels to be adopted."""

    gone: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    adopted: tuple[ChannelSnapshot, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    ended_media: tuple[str, ...] = ()


def difference(
    believed: Collection[str], listed: Collection[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """(believed but not listed, listed but not believed)."""
    return frozenset(believed) - frozenset(listed), frozenset(listed) - frozenset(believed)


async def reconcile(call: Call, exchange: Exchange, application: str) -> Reconciliation:
    """Ask, compare, and feed the missed events to `exchange`.

    `call(operation, **values)` performs an ARI operation. Runs beside the reader, so what it
    compares is read again after each answer.
    """
    believed, awaited = exchange.believed(), exchange.awaited()
    media = exchange.running()
    bridges = tuple(exchange.bridges)
    held: ApplicationSnapshot = await call("applications.get", application_name=application)
    missing, unknown = difference(believed, held.channel_ids)
    gone: list[str] = []
    entered: list[str] = []
    adopted: list[ChannelSnapshot] = []
    late = awaited.intersection(held.channel_ids)
    if missing or unknown or late:
        existing = {c.id: c for c in await call("channels.list")}
        for ident in sorted(missing):
            if (end := _missed_end(exchange, ident, existing.get(ident), application)) is not None:
                gone.append(ident)
                exchange.feed(end)
        for ident in sorted(late & exchange.awaited()):
            if (start := _missed_start(existing.get(ident), application)) is not None:
                entered.append(ident)
                exchange.feed(start)
        for ident in sorted(unknown - exchange.believed() - late):
            if ident in existing and _is_inside(existing[ident]):
                exchange.adopt(ident)
                adopted.append(existing[ident])
    if bridges:
        alive = {b.id for b in await call("bridges.list")}
        for ident in bridges:
            if ident not in alive:
                exchange.feed(
                    events.BridgeDestroyed(
                        bridge=BridgeSnapshot(id=ident), application=application, synthesized=True
                    )
                )
    ended = [key for key, target in media if await _ended(call, exchange, key, target)]
    return Reconciliation(
        tuple(gone), tuple(entered), tuple(adopted), tuple(held.bridge_ids), tuple(ended)
    )


def _is_inside(channel: ChannelSnapshot) -> bool:
    """Whether a channel that the application holds is in it. One that it has only subscribed to,
    because it still rings, is told of by a StasisStart of its own.
    """
    return channel.dialplan.app_name in ("", STASIS)


def _missed_start(existing: ChannelSnapshot | None, application: str) -> events.Event | None:
    """A channel that still rings is held by the application, too: its StasisStart will come."""
    if existing is None or existing.dialplan.app_name != STASIS:
        return None
    return events.StasisStart(channel=existing, application=application, synthesized=True)


def _missed_end(
    exchange: Exchange, ident: str, existing: ChannelSnapshot | None, application: str
) -> events.Event | None:
    route = exchange.channels.get(ident)
    if route is None:
        return None  # its end came meanwhile
    if existing is None:
        return events.ChannelDestroyed(
            channel=ChannelSnapshot(id=ident),
            cause_txt="gone while the connection was down",
            application=application,
            synthesized=True,
        )
    if route.present:
        return events.StasisEnd(channel=existing, application=application, synthesized=True)
    return None  # made by us and still on its way into the application


async def _ended(call: Call, exchange: Exchange, key: str, target: str) -> bool:
    kind, ident = key[0], key[1:]
    try:
        if kind == "p":
            await call("playbacks.get", playback_id=ident)
        else:
            await call("recordings.get_live", recording_name=ident)
    except NotFound:
        event = (
            events.PlaybackFinished(
                playback=PlaybackSnapshot(id=ident, target_uri=target, state="done"),
                synthesized=True,
            )
            if kind == "p"
            else events.RecordingFinished(
                recording=LiveRecordingSnapshot(name=ident, target_uri=target, state="done"),
                synthesized=True,
            )
        )
        exchange.feed(event)
        return True
    return False
