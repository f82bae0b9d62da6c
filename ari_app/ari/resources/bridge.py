"""Bridges: `ari.bridge(id)` is one, `ari.bridges` makes and lists them."""

# ruff: noqa: A002 — parameters are named as ARI names them

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, overload

from ari_app.ari.errors import AriError
from ari_app.ari.events import BridgeDestroyed, Event
from ari_app.ari.ids import new_id
from ari_app.ari.listening import BOUND, Events, Subscription
from ari_app.ari.resources.base import Repository, Resource
from ari_app.ari.resources.channel import Channel, IfExists, Seconds
from ari_app.ari.resources.media import LiveRecording, Playback, start_playback, start_recording
from ari_app.ari.snapshots import BridgeSnapshot

if TYPE_CHECKING:
    from ari_app.ari.client import Client

E = TypeVar("E", bound=Event)


class Bridge(Resource):
    """One bridge. Making the object asks nothing of Asterisk; `ari.bridges.create` makes one."""

    __slots__ = ()
    resource: ClassVar[str] = "bridges"
    key: ClassVar[str] = "bridge_id"

    @overload
    def listen(self, *, channels: Sequence[str] = (), bound: int = BOUND) -> Events[Event]: ...
    @overload
    def listen(
        self, *types: type[E], channels: Sequence[str] = (), bound: int = BOUND
    ) -> Events[E]: ...
    def listen(
        self, *types: type[Event], channels: Sequence[str] = (), bound: int = BOUND
    ) -> Events[Any]:
        """A queue of this bridge's events, and of `channels` in it; ends with the bridge."""
        return Events(self._client.exchange, types, tuple(channels), (self.id,), (self.id,), bound)

    def on(
        self,
        call: Callable[[Event], None],
        *types: type[Event],
        ended: Callable[[AriError], None] | None = None,
    ) -> Subscription:
        """Call a function for this bridge's events, without a queue; see `Subscription`."""
        return Subscription(self._client.exchange, types, (), (self.id,), (self.id,), call, ended)

    async def add_channel(
        self,
        *channels: Channel | str,
        role: str | None = None,
        absorb_dtmf: bool | None = None,
        mute: bool | None = None,
        inhibit_connected_line_updates: bool | None = None,
        deadline: Seconds = None,
    ) -> None:
        """Put channels in. Waits while a playback runs on one of them.

        Unless inhibited, each side is told who the other one is, in SIP by a re-INVITE or UPDATE.
        """
        values = {
            "channel": _names(channels),
            "role": role,
            "absorb_dtmf": absorb_dtmf,
            "mute": mute,
            "inhibit_connected_line_updates": inhibit_connected_line_updates,
        }
        await self._perform("add_channel", values, deadline)

    async def remove_channel(self, *channels: Channel | str, deadline: Seconds = None) -> None:
        """Take channels out."""
        await self._perform("remove_channel", {"channel": _names(channels)}, deadline)

    async def play(
        self,
        media: str | Sequence[str],
        playback_id: str | None = None,
        *,
        lang: str | None = None,
        wait: bool = True,
        deadline: Seconds = None,
    ) -> Playback:
        """Play to everybody in the bridge; see `Channel.play`."""
        playback = Playback(self._client, playback_id or new_id("p"))
        values = {
            "bridge_id": self.id,
            "playback_id": playback.id,
            "media": media,
            "lang": lang,
        }
        return await start_playback(self, "bridges", playback, values, wait, deadline)

    async def record(
        self,
        name: str,
        format: str = "wav",
        *,
        max_duration_seconds: int | None = None,
        max_silence_seconds: int | None = None,
        beep: bool | None = None,
        terminate_on: Literal["none", "any", "*", "#"] | None = None,
        if_exists: IfExists | None = None,
        deadline: Seconds = None,
    ) -> LiveRecording:
        """Record the mixed audio. It goes on when this process dies; journal the name."""
        values = {
            "bridge_id": self.id,
            "name": name,
            "format": format,
            "max_duration_seconds": max_duration_seconds,
            "max_silence_seconds": max_silence_seconds,
            "beep": beep,
            "terminate_on": terminate_on,
            "if_exists": if_exists,
        }
        return await start_recording(self, "bridges", values, deadline)

    async def start_moh(self, moh_class: str | None = None, *, deadline: Seconds = None) -> None:
        """Music on hold for everybody in the bridge."""
        await self._perform("start_moh", {"moh_class": moh_class}, deadline)

    async def stop_moh(self, *, deadline: Seconds = None) -> None:
        """End of the music."""
        await self._perform("stop_moh", {}, deadline)

    async def destroy(self, *, deadline: Seconds = None) -> None:
        """Take everybody out and end the bridge; the channels stay in the application.

        Asterisk tells an application of a bridge only while one of its channels is in it, so
        BridgeDestroyed does not come by itself; listeners get ours.
        """
        await self._perform("destroy", {}, deadline)
        exchange = self._client.exchange
        if self.id in exchange.bridges:
            ended = BridgeDestroyed(bridge=BridgeSnapshot(id=self.id), synthesized=True)
            exchange.feed(ended)

    async def get(self) -> BridgeSnapshot:
        """What the bridge is now."""
        snapshot: BridgeSnapshot = await self.do("get")
        return snapshot


class Bridges(Repository):
    """`ari.bridges`."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client, "bridges")

    async def list(self) -> Sequence[BridgeSnapshot]:
        """All bridges of Asterisk."""
        found: Sequence[BridgeSnapshot] = await self.do("list")
        return found

    async def create(
        self,
        type: str = "mixing",
        bridge_id: str | None = None,
        *,
        name: str | None = None,
        variables: Mapping[str, str] | None = None,
        deadline: Seconds = None,
    ) -> Bridge:
        """Make a bridge; `type` is mixing, holding, or with attributes "mixing,dtmf_events".

        Raises:
            ValueError: the id is a channel's id; Asterisk would lose the bridge's events.
        """
        bridge = Bridge(self._client, bridge_id or new_id("b"))
        if bridge.id in self._client.exchange.channels:
            raise ValueError(f"{bridge.id} is a channel's id; a bridge needs its own (b-…)")
        values = {
            "bridge_id": bridge.id,
            "type": type,
            "name": name,
            "variables": dict(variables) if variables else None,
        }
        dispatcher = self._client.dispatcher
        operation = dispatcher.operation("bridges.create_with_id")
        await dispatcher.perform(operation, values, deadline)
        return bridge


def _names(channels: Sequence[Channel | str]) -> list[str]:
    return [channel.id if isinstance(channel, Channel) else channel for channel in channels]
