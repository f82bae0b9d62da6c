"""Events of channels."""

from typing import Any, ClassVar

import msgspec

from ari_app.ari.events.base import NO_IDS, ChannelEvent, Event, Ids, ids_in
from ari_app.ari.snapshots import BridgeSnapshot, ChannelSnapshot, EndpointSnapshot


class StasisStart(ChannelEvent):
    """A channel enters the application, with the arguments of `Stasis(app,arg,…)`. `synthesized`:
    one that we made, noticed after a break; its arguments are unknown (none)."""

    args: list[str] = msgspec.field(default_factory=list)
    replace_channel: ChannelSnapshot | None = None
    synthesized: bool = False


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
        return (self.channel.id,) if self.channel else NO_IDS


class ChannelUserevent(Event):
    """UserEvent() of the dialplan or POST /events/user."""

    eventname: str = ""
    userevent: dict[str, Any] = msgspec.field(default_factory=dict)
    channel: ChannelSnapshot | None = None
    bridge: BridgeSnapshot | None = None
    endpoint: EndpointSnapshot | None = None

    def channel_ids(self) -> Ids:
        """The channel, if one was named."""
        return (self.channel.id,) if self.channel else NO_IDS

    def bridge_ids(self) -> Ids:
        """The bridge, if one was named."""
        return (self.bridge.id,) if self.bridge else NO_IDS


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


class ChannelTransfer(Event):
    """The far end asks for a transfer (REFER) that the application shall do."""

    state: str = ""
    refer_to: dict[str, Any] = msgspec.field(default_factory=dict)
    referred_by: dict[str, Any] = msgspec.field(default_factory=dict)

    def channel_ids(self) -> Ids:
        """The channel whose far end asks."""
        return tuple(ids_in(self.referred_by, "source_channel"))
