"""What Asterisk says an object looks like at one moment (the models of its resource descriptions).

A missing field has an empty value, never an error: Asterisk leaves out what it does not know.
Times are Asterisk's own ISO 8601 text; `instant()` turns one into an aware datetime.

Snapshots hold nothing that could refer back to them, so the cyclic collector need not see them
(`gc=False`): at a hundred calls a second it would look at thousands of them again and again.
"""

from datetime import datetime

import msgspec


def instant(text: str) -> datetime:
    """Asterisk's timestamp ("2026-11-22T00:07:18.309+0000") as an aware datetime."""
    return datetime.fromisoformat(text)


class Party(msgspec.Struct, gc=False, frozen=True):
    """A caller id: display name and number, exactly as the network gave them."""

    name: str = ""
    number: str = ""


class DialplanPlace(msgspec.Struct, gc=False, frozen=True):
    """Where in the dialplan a channel is."""

    context: str = ""
    exten: str = ""
    priority: int = 0
    app_name: str = ""
    app_data: str = ""


_NOBODY = Party()
_NOWHERE = DialplanPlace()


class ChannelSnapshot(msgspec.Struct, gc=False, frozen=True):
    """A channel. `state` is Down, Ring, Ringing, Up, …; `creationtime` see `instant`."""

    id: str
    name: str = ""
    state: str = ""
    protocol_id: str = ""
    caller: Party = _NOBODY
    connected: Party = _NOBODY
    accountcode: str = ""
    dialplan: DialplanPlace = _NOWHERE
    creationtime: str = ""
    language: str = ""
    channelvars: dict[str, str] = msgspec.field(default_factory=dict)
    caller_rdnis: str = ""
    tenantid: str = ""


class BridgeSnapshot(msgspec.Struct, gc=False, frozen=True):
    """A bridge and the ids of the channels in it."""

    id: str
    technology: str = ""
    bridge_type: str = ""
    bridge_class: str = ""
    creator: str = ""
    name: str = ""
    channels: list[str] = msgspec.field(default_factory=list)
    creationtime: str = ""
    video_mode: str = ""
    video_source_id: str = ""
    bridgevars: dict[str, str] = msgspec.field(default_factory=dict)


class PlaybackSnapshot(msgspec.Struct, gc=False, frozen=True):
    """A playback. `target_uri` is channel:ID or bridge:ID; `state` queued, playing, …, failed."""

    id: str
    media_uri: str = ""
    next_media_uri: str = ""
    target_uri: str = ""
    language: str = ""
    state: str = ""


class LiveRecordingSnapshot(msgspec.Struct, gc=False, frozen=True):
    """A recording being made. Durations are whole seconds; None until it ends."""

    name: str
    format: str = ""
    target_uri: str = ""
    state: str = ""
    duration: int | None = None
    talking_duration: int | None = None
    silence_duration: int | None = None
    cause: str = ""


class StoredRecordingSnapshot(msgspec.Struct, gc=False, frozen=True):
    """A recording that lies in Asterisk's spool folder."""

    name: str
    format: str = ""


class ApplicationSnapshot(msgspec.Struct, gc=False, frozen=True):
    """A Stasis application: what it is subscribed to and which events it does not get."""

    name: str
    channel_ids: list[str] = msgspec.field(default_factory=list)
    bridge_ids: list[str] = msgspec.field(default_factory=list)
    endpoint_ids: list[str] = msgspec.field(default_factory=list)
    device_names: list[str] = msgspec.field(default_factory=list)
    events_allowed: list[dict[str, str]] = msgspec.field(default_factory=list)
    events_disallowed: list[dict[str, str]] = msgspec.field(default_factory=list)


class EndpointSnapshot(msgspec.Struct, gc=False, frozen=True):
    """An endpoint such as PJSIP/8001; `state` is online, offline or unknown."""

    technology: str
    resource: str
    state: str = ""
    channel_ids: list[str] = msgspec.field(default_factory=list)


class SystemSnapshot(msgspec.Struct, gc=False, frozen=True):
    """Version and id of an Asterisk."""

    version: str = ""
    entity_id: str = ""


class AsteriskSnapshot(msgspec.Struct, gc=False, frozen=True):
    """`GET /asterisk/info`; sections other than `system` stay plain dictionaries."""

    system: SystemSnapshot = SystemSnapshot()
    build: dict[str, object] = msgspec.field(default_factory=dict)
    config: dict[str, object] = msgspec.field(default_factory=dict)
    status: dict[str, object] = msgspec.field(default_factory=dict)


class VariableSnapshot(msgspec.Struct, gc=False, frozen=True):
    """The value of one channel, bridge or global variable."""

    value: str = ""
