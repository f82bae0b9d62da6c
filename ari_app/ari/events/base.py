"""What all events have in common, and the bases by what they concern.

Every event says which channels and bridges it concerns, which is how it finds its listeners.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from ari_app.ari.snapshots import (
    BridgeSnapshot,
    ChannelSnapshot,
    LiveRecordingSnapshot,
    PlaybackSnapshot,
    instant,
)

Ids = tuple[str, ...]
NO_IDS: Ids = ()


class Event(msgspec.Struct, kw_only=True, tag_field="type", gc=False):
    """Anything Asterisk tells an application. `timestamp` is Asterisk's text, `at` the instant."""

    final: ClassVar[bool] = False  # the channel leaves the application with this event

    application: str = ""
    timestamp: str = ""
    asterisk_id: str = ""

    @property
    def type(self) -> str:
        """The name Asterisk gives this event."""
        return str(type(self).__struct_config__.tag)

    @property
    def at(self) -> datetime:
        """When Asterisk made the event (aware)."""
        return instant(self.timestamp)

    def channel_ids(self) -> Ids:
        """The channels this event concerns."""
        return NO_IDS

    def bridge_ids(self) -> Ids:
        """The bridges this event concerns."""
        return NO_IDS


class ChannelEvent(Event):
    """An event of one channel."""

    channel: ChannelSnapshot

    def channel_ids(self) -> Ids:
        """The channel."""
        return (self.channel.id,)


class BridgeEvent(Event):
    """An event of one bridge."""

    bridge: BridgeSnapshot

    def bridge_ids(self) -> Ids:
        """The bridge."""
        return (self.bridge.id,)


class PlaybackEvent(Event):
    """An event of one playback; it concerns the channel or bridge it plays to."""

    playback: PlaybackSnapshot

    def channel_ids(self) -> Ids:
        """The channel it plays to, unless it plays to a bridge."""
        uri = self.playback.target_uri
        return (uri[8:],) if uri.startswith("channel:") else NO_IDS

    def bridge_ids(self) -> Ids:
        """The bridge it plays to, unless it plays to a channel."""
        uri = self.playback.target_uri
        return (uri[7:],) if uri.startswith("bridge:") else NO_IDS


class RecordingEvent(Event):
    """An event of one recording; it concerns the channel or bridge it records."""

    recording: LiveRecordingSnapshot

    def channel_ids(self) -> Ids:
        """The channel it records, unless it records a bridge."""
        uri = self.recording.target_uri
        return (uri[8:],) if uri.startswith("channel:") else NO_IDS

    def bridge_ids(self) -> Ids:
        """The bridge it records, unless it records a channel."""
        uri = self.recording.target_uri
        return (uri[7:],) if uri.startswith("bridge:") else NO_IDS


class OtherEvent(Event):
    """An event whose type this client does not know: everything is in `body`."""

    name: str
    body: dict[str, Any]

    @property
    def type(self) -> str:
        """The name Asterisk gives this event."""
        return self.name

    def channel_ids(self) -> Ids:
        """Every top-level object of the body that looks like a channel."""
        return tuple(ids_in(self.body, "channel", "peer", "caller"))

    def bridge_ids(self) -> Ids:
        """The bridge of the body, if any."""
        return tuple(ids_in(self.body, "bridge"))


def ids_in(body: dict[str, Any], *names: str) -> Iterable[str]:
    """The ids of those objects under `names` that have one."""
    for name in names:
        found = body.get(name)
        if isinstance(found, dict) and isinstance(found.get("id"), str):
            yield found["id"]
