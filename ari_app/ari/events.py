"""Events as small typed classes, and the decoder that makes them.

`Event` is the base of all. Every class says which channels and bridges it concerns, which is how
it finds its listeners. A type that this file does not know becomes an `OtherEvent`.
Names and fields are those of Asterisk's `events.json`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from ari_app.ari.snapshots import (
    BridgeSnapshot,
    ChannelSnapshot,
    EndpointSnapshot,
    LiveRecordingSnapshot,
    PlaybackSnapshot,
    instant,
)

Ids = tuple[str, ...]
_NONE: Ids = ()


class Event(msgspec.Struct, kw_only=True, tag_field="type"):
    """Anything Asterisk tells an application. `timestamp` is Asterisk's text, `at` the instant."""

    final: ClassVar[bool] = False  # the channel leaves the application with this event

    application: str = ""
    timestamp: str = ""
    asterisk_id: str = ""

    @property
    def type(self) -> str:
        """The name Asterisk gives this event."""
        return type(self).__name__

    @property
    def at(self) -> datetime:
        """When Asterisk made the event (aware)."""
        return instant(self.timestamp)

    def channel_ids(self) -> Ids:
        """The channels this event concerns."""
        return _NONE

    def bridge_ids(self) -> Ids:
        """The bridges this event concerns."""
        return _NONE


class ChannelEvent(Event):
    """An event of one channel."""

    channel: ChannelSnapshot

    def channel_ids(self) -> Ids:
        """The channel."""
        return (self.channel.id,)


class StasisStart(ChannelEvent):
    """A channel enters the application, with the arguments of `Stasis(app,arg,…)`."""

    args: list[str] = msgspec.field(default_factory=list)
    replace_channel: ChannelSnapshot | None = None


class StasisEnd(ChannelEvent):
    """A channel leaves the application: hang-up or back to the dialplan."""

    final: ClassVar[bool] = True
    synthesized: bool = False


class ChannelCreated(ChannelEvent):
    """A channel came into being."""


class ChannelDestroyed(ChannelEvent):
    """A channel is gone. `synthesized`: we noticed after a break; cause unknown (0)."""

    final: ClassVar[bool] = True
    cause: int = 0
    cause_txt: str = ""
    tech_cause: int | None = None
    synthesized: bool = False


class ChannelStateChange(ChannelEvent):
    """Down → Ring → Up and so on."""


class ChannelDtmfReceived(ChannelEvent):
    """A key. `digit` is 0-9, A-D, # or *."""

    digit: str
    duration_ms: int = 0


class ChannelHangupRequest(ChannelEvent):
    """Somebody asked to hang the channel up (Q.850 `cause`)."""

    cause: int | None = None
    tech_cause: int | None = None
    soft: bool = False


class ChannelDialplan(ChannelEvent):
    """The channel's place in the dialplan changed."""

    dialplan_app: str = ""
    dialplan_app_data: str = ""


class ChannelCallerId(ChannelEvent):
    """The caller id changed."""

    caller_presentation: int = 0
    caller_presentation_txt: str = ""


class ChannelConnectedLine(ChannelEvent):
    """The connected line changed."""


class ChannelHold(ChannelEvent):
    """The far end put the call on hold."""

    musicclass: str = ""


class ChannelUnhold(ChannelEvent):
    """The far end took the call off hold."""


class ChannelToneDetected(ChannelEvent):
    """A tone (fax, progress) was detected."""


class ChannelTalkingStarted(ChannelEvent):
    """Speech began (TALK_DETECT)."""


class ChannelTalkingFinished(ChannelEvent):
    """Speech ended after `duration` milliseconds."""

    duration: int = 0


class ApplicationMoveFailed(ChannelEvent):
    """A channel could not be moved to another application."""

    destination: str = ""
    args: list[str] = msgspec.field(default_factory=list)


class CallBroadcast(ChannelEvent):
    """A call is offered to several applications; claim it with `events.claim_channel`."""

    caller: str = ""
    called: str = ""


class CallClaimed(ChannelEvent):
    """An offered call went to `winner_app`."""

    winner_app: str = ""


class ChannelVarset(Event):
    """A channel variable (or, without channel, a global one) changed."""

    variable: str = ""
    value: str = ""
    channel: ChannelSnapshot | None = None

    def channel_ids(self) -> Ids:
        """The channel, unless the variable is global."""
        return (self.channel.id,) if self.channel else _NONE


class ChannelUserevent(Event):
    """UserEvent() of the dialplan or POST /events/user."""

    eventname: str = ""
    userevent: dict[str, Any] = msgspec.field(default_factory=dict)
    channel: ChannelSnapshot | None = None
    bridge: BridgeSnapshot | None = None
    endpoint: EndpointSnapshot | None = None

    def channel_ids(self) -> Ids:
        """The channel, if one was named."""
        return (self.channel.id,) if self.channel else _NONE

    def bridge_ids(self) -> Ids:
        """The bridge, if one was named."""
        return (self.bridge.id,) if self.bridge else _NONE


class Dial(Event):
    """Progress of a dialled leg: `dialstatus` is "", RINGING, ANSWER, BUSY, NOANSWER, …."""

    peer: ChannelSnapshot
    caller: ChannelSnapshot | None = None
    forwarded: ChannelSnapshot | None = None
    forward: str = ""
    dialstring: str = ""
    dialstatus: str = ""

    def channel_ids(self) -> Ids:
        """The dialled channel and the caller, if there is one."""
        return (self.peer.id, self.caller.id) if self.caller else (self.peer.id,)


class BridgeEvent(Event):
    """An event of one bridge."""

    bridge: BridgeSnapshot

    def bridge_ids(self) -> Ids:
        """The bridge."""
        return (self.bridge.id,)


class BridgeCreated(BridgeEvent):
    """A bridge came into being."""


class BridgeDestroyed(BridgeEvent):
    """A bridge is gone. `synthesized`: we destroyed it, or noticed after a break."""

    synthesized: bool = False


class BridgeMerged(BridgeEvent):
    """`bridge_from` was merged into `bridge`."""

    bridge_from: BridgeSnapshot

    def bridge_ids(self) -> Ids:
        """Both bridges."""
        return (self.bridge.id, self.bridge_from.id)


class BridgeVideoSourceChanged(BridgeEvent):
    """Another channel is the video source."""

    old_video_source_id: str = ""


class ChannelEnteredBridge(BridgeEvent):
    """A channel entered a bridge."""

    channel: ChannelSnapshot | None = None

    def channel_ids(self) -> Ids:
        """The channel."""
        return (self.channel.id,) if self.channel else _NONE


class ChannelLeftBridge(BridgeEvent):
    """A channel left a bridge."""

    channel: ChannelSnapshot

    def channel_ids(self) -> Ids:
        """The channel."""
        return (self.channel.id,)


class PlaybackEvent(Event):
    """An event of one playback; it concerns the channel or bridge it plays to."""

    playback: PlaybackSnapshot

    def channel_ids(self) -> Ids:
        """The channel it plays to, unless it plays to a bridge."""
        uri = self.playback.target_uri
        return (uri[8:],) if uri.startswith("channel:") else _NONE

    def bridge_ids(self) -> Ids:
        """The bridge it plays to, unless it plays to a channel."""
        uri = self.playback.target_uri
        return (uri[7:],) if uri.startswith("bridge:") else _NONE


class PlaybackStarted(PlaybackEvent):
    """The first sound of a playback starts."""


class PlaybackContinuing(PlaybackEvent):
    """The next sound of a playback starts."""


class PlaybackFinished(PlaybackEvent):
    """A playback ended: played, stopped, or failed (`playback.state`)."""

    synthesized: bool = False


class RecordingEvent(Event):
    """An event of one recording; it concerns the channel or bridge it records."""

    recording: LiveRecordingSnapshot

    def channel_ids(self) -> Ids:
        """The channel it records, unless it records a bridge."""
        uri = self.recording.target_uri
        return (uri[8:],) if uri.startswith("channel:") else _NONE

    def bridge_ids(self) -> Ids:
        """The bridge it records, unless it records a channel."""
        uri = self.recording.target_uri
        return (uri[7:],) if uri.startswith("bridge:") else _NONE


class RecordingStarted(RecordingEvent):
    """Recording runs."""


class RecordingFinished(RecordingEvent):
    """Recording ended and the file is stored. `recording.duration` in seconds."""

    synthesized: bool = False


class RecordingFailed(RecordingEvent):
    """Recording ended without a usable file (`recording.cause`)."""


class BridgeBlindTransfer(Event):
    """A blind transfer was asked for in a bridge."""

    channel: ChannelSnapshot
    bridge: BridgeSnapshot | None = None
    replace_channel: ChannelSnapshot | None = None
    transferee: ChannelSnapshot | None = None
    exten: str = ""
    context: str = ""
    result: str = ""
    is_external: bool = False

    def channel_ids(self) -> Ids:
        """The transferring channel, and who is transferred."""
        return (self.channel.id, self.transferee.id) if self.transferee else (self.channel.id,)

    def bridge_ids(self) -> Ids:
        """The bridge, if there was one."""
        return (self.bridge.id,) if self.bridge else _NONE


class BridgeAttendedTransfer(Event):
    """An attended transfer was completed or failed."""

    transferer_first_leg: ChannelSnapshot
    transferer_second_leg: ChannelSnapshot
    transferee: ChannelSnapshot | None = None
    transfer_target: ChannelSnapshot | None = None
    replace_channel: ChannelSnapshot | None = None
    transferer_first_leg_bridge: BridgeSnapshot | None = None
    transferer_second_leg_bridge: BridgeSnapshot | None = None
    result: str = ""
    is_external: bool = False
    destination_type: str = ""
    destination_bridge: str = ""
    destination_application: str = ""

    def channel_ids(self) -> Ids:
        """Both legs of the transferring party."""
        return (self.transferer_first_leg.id, self.transferer_second_leg.id)


class ChannelTransfer(Event):
    """The far end asks for a transfer (REFER) that the application shall do."""

    state: str = ""
    refer_to: dict[str, Any] = msgspec.field(default_factory=dict)
    referred_by: dict[str, Any] = msgspec.field(default_factory=dict)

    def channel_ids(self) -> Ids:
        """The channel whose far end asks."""
        return tuple(_ids(self.referred_by, "source_channel"))


class EndpointStateChange(Event):
    """An endpoint came or went."""

    endpoint: EndpointSnapshot


class ContactStatusChange(Event):
    """A registered contact of an endpoint became reachable or not."""

    endpoint: EndpointSnapshot
    contact_info: dict[str, Any] = msgspec.field(default_factory=dict)


class PeerStatusChange(Event):
    """A peer registered or was lost."""

    endpoint: EndpointSnapshot
    peer: dict[str, Any] = msgspec.field(default_factory=dict)


class DeviceStateChanged(Event):
    """A device state (`{"name": …, "state": …}`) changed."""

    device_state: dict[str, str]


class TextMessageReceived(Event):
    """A text message came in."""

    message: dict[str, Any]
    endpoint: EndpointSnapshot | None = None


class ApplicationRegistered(Event):
    """The application is registered (again)."""


class ApplicationUnregistered(Event):
    """The application is no longer registered."""


class ApplicationReplacedEvent(Event, tag="ApplicationReplaced"):
    """Another websocket took our application name; this one is deaf from now on."""

    @property
    def type(self) -> str:
        """ApplicationReplaced."""
        return "ApplicationReplaced"


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
        return tuple(_ids(self.body, "channel", "peer", "caller"))

    def bridge_ids(self) -> Ids:
        """The bridge of the body, if any."""
        return tuple(_ids(self.body, "bridge"))


class RestResponse(Event, tag="RESTResponse"):
    """The reply to a request that went over the websocket; not delivered to listeners."""

    request_id: str
    status_code: int
    reason_phrase: str = ""
    message_body: str | None = None


def _ids(body: dict[str, Any], *names: str) -> Iterable[str]:
    for name in names:
        found = body.get(name)
        if isinstance(found, dict) and isinstance(found.get("id"), str):
            yield found["id"]
