"""Events of bridges, and of channels in them."""

from ari_app.ari.events.base import NO_IDS, BridgeEvent, Event, Ids
from ari_app.ari.snapshots import BridgeSnapshot, ChannelSnapshot


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
        return (self.channel.id,) if self.channel else NO_IDS


class ChannelLeftBridge(BridgeEvent):
    """A channel left a bridge."""

    channel: ChannelSnapshot

    def channel_ids(self) -> Ids:
        """The channel."""
        return (self.channel.id,)


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
        return (self.bridge.id,) if self.bridge else NO_IDS


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
