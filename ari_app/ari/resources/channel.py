"""One channel: `ari.channel(id)`."""

# ruff: noqa: A002 — parameters are named as ARI names them

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar, overload

from ari_app.ari.errors import AriError, NotFound
from ari_app.ari.events import Event
from ari_app.ari.ids import new_id
from ari_app.ari.listening import BOUND, Events, Subscription
from ari_app.ari.resources.base import Resource
from ari_app.ari.resources.birth import ask_for_channel
from ari_app.ari.resources.media import LiveRecording, Playback, start_playback, start_recording
from ari_app.ari.snapshots import ChannelSnapshot, VariableSnapshot

E = TypeVar("E", bound=Event)
Seconds = float | None
IfExists = Literal["fail", "overwrite", "append"]
Direction = Literal["none", "both", "out", "in"]


class Channel(Resource):
    """One channel. Making the object asks nothing of Asterisk.

    `wait=False` returns as soon as the request is on its way, so that requests can be sent back
    to back; Asterisk executes them in that order. It holds only for requests that may take the
    websocket (see `lanes`); others are waited for all the same.
    """

    __slots__ = ()
    resource: ClassVar[str] = "channels"
    key: ClassVar[str] = "channel_id"

    # -- hearing -------------------------------------------------------------------------------

    @overload
    def listen(self, *, bridges: Sequence[str] = (), bound: int = BOUND) -> Events[Event]: ...
    @overload
    def listen(
        self, *types: type[E], bridges: Sequence[str] = (), bound: int = BOUND
    ) -> Events[E]: ...
    def listen(
        self, *types: type[Event], bridges: Sequence[str] = (), bound: int = BOUND
    ) -> Events[Any]:
        """A queue of this channel's events, and of `bridges` it is in; in order, of these types.

        `with channel.listen(ChannelDtmfReceived, PlaybackFinished) as events:`. Playbacks to the
        channel and recordings of it count as its events. Ends when the channel is gone.
        """
        return Events(self._client.exchange, types, (self.id,), tuple(bridges), (self.id,), bound)

    def on(
        self,
        call: Callable[[Event], None],
        *types: type[Event],
        ended: Callable[[AriError], None] | None = None,
    ) -> Subscription:
        """Call a function for this channel's events, without a queue; see `Subscription`."""
        return Subscription(self._client.exchange, types, (self.id,), (), (self.id,), call, ended)

    # -- the call ------------------------------------------------------------------------------

    async def answer(self, *, wait: bool = True, deadline: Seconds = None) -> None:
        """Answer. Asterisk does not wait for media."""
        await self._send("answer", {}, wait, deadline)

    async def hangup(
        self, reason: str = "normal", *, wait: bool = True, deadline: Seconds = None
    ) -> None:
        """Hang up; `reason` is normal, busy, congestion, no_answer, timeout, …."""
        await self._send("hangup", {"reason": reason}, wait, deadline)

    async def ring(self, *, wait: bool = True, deadline: Seconds = None) -> None:
        """Let the caller hear ringing."""
        await self._send("ring", {}, wait, deadline)

    async def ring_stop(self, *, wait: bool = True, deadline: Seconds = None) -> None:
        """Stop the ringing."""
        await self._send("ring_stop", {}, wait, deadline)

    async def continue_in_dialplan(
        self,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        label: str | None = None,
        *,
        deadline: Seconds = None,
    ) -> None:
        """Leave the application; nothing given: after the `Stasis()` line."""
        values = {
            "context": context,
            "extension": extension,
            "priority": priority,
            "label": label,
        }
        await self._perform("continue_in_dialplan", values, deadline)

    async def redirect(self, endpoint: str, *, deadline: Seconds = None) -> None:
        """Send the far end elsewhere (SIP 302 before answering, REFER after)."""
        await self._perform("redirect", {"endpoint": endpoint}, deadline)

    async def move(
        self, app: str, app_args: str | None = None, *, deadline: Seconds = None
    ) -> None:
        """Hand the channel to another application."""
        await self._perform("move", {"app": app, "app_args": app_args}, deadline)

    async def dial(
        self, caller: str | None = None, timeout: int | None = None, *, deadline: Seconds = None
    ) -> None:
        """Dial a channel made by `channels.create`; `timeout` in seconds."""
        await self._perform("dial", {"caller": caller, "timeout": timeout}, deadline)

    async def send_dtmf(
        self,
        dtmf: str,
        *,
        between: int | None = None,
        duration: int | None = None,
        deadline: Seconds = None,
    ) -> None:
        """Send keys to the far end; times in milliseconds."""
        values = {"dtmf": dtmf, "between": between, "duration": duration}
        await self._perform("send_dtmf", values, deadline)

    async def get(self) -> ChannelSnapshot:
        """What the channel is now."""
        snapshot: ChannelSnapshot = await self.do("get")
        return snapshot

    # -- what is heard -------------------------------------------------------------------------

    async def play(
        self,
        media: str | Sequence[str],
        playback_id: str | None = None,
        *,
        lang: str | None = None,
        skip_ms: int | None = None,
        offset_ms: int | None = None,
        wait: bool = True,
        deadline: Seconds = None,
    ) -> Playback:
        """Play sounds ("sound:hello", "digits:123", "recording:name", …), one after the other.

        The session that is returned was listening before the request left. With `wait=False` a
        refusal ends the session: `finished()` raises it.
        """
        playback = Playback(self._client, playback_id or new_id("p"))
        values = {
            "channel_id": self.id,
            "playback_id": playback.id,
            "media": media,
            "lang": lang,
            "offsetms": offset_ms,
            "skipms": skip_ms,
        }
        return await start_playback(self, "channels", playback, values, wait, deadline)

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
        """Record what the caller says. Not while the channel is in a bridge: Asterisk says 201 and
        writes nothing; record the bridge then.
        """
        values = {
            "channel_id": self.id,
            "name": name,
            "format": format,
            "max_duration_seconds": max_duration_seconds,
            "max_silence_seconds": max_silence_seconds,
            "beep": beep,
            "terminate_on": terminate_on,
            "if_exists": if_exists,
        }
        return await start_recording(self, "channels", values, deadline)

    async def start_moh(
        self, moh_class: str | None = None, *, wait: bool = True, deadline: Seconds = None
    ) -> None:
        """Music on hold."""
        await self._send("start_moh", {"moh_class": moh_class}, wait, deadline)

    async def stop_moh(self, *, wait: bool = True, deadline: Seconds = None) -> None:
        """End of the music."""
        await self._send("stop_moh", {}, wait, deadline)

    async def mute(self, direction: Direction = "both", *, deadline: Seconds = None) -> None:
        """Silence "in" (from the caller), "out" (to the caller) or both."""
        await self._perform("mute", {"direction": direction}, deadline)

    async def unmute(self, direction: Direction = "both", *, deadline: Seconds = None) -> None:
        """Undo `mute`."""
        await self._perform("unmute", {"direction": direction}, deadline)

    async def hold(self, *, deadline: Seconds = None) -> None:
        """Put the far end on hold."""
        await self._perform("hold", {}, deadline)

    async def unhold(self, *, deadline: Seconds = None) -> None:
        """Take the far end off hold."""
        await self._perform("unhold", {}, deadline)

    async def snoop(
        self,
        *,
        spy: Direction | None = None,
        whisper: Direction | None = None,
        app: str | None = None,
        app_args: str | None = None,
        snoop_id: str | None = None,
        deadline: Seconds = None,
    ) -> "Channel":
        """A channel that hears (`spy`) or speaks into (`whisper`) this one."""
        snoop = Channel(self._client, snoop_id or new_id("s"))
        values = {
            "channel_id": self.id,
            "snoop_id": snoop.id,
            "spy": spy,
            "whisper": whisper,
            "app": app or self._client.application,
            "app_args": app_args,
        }
        operation = "channels.snoop_channel_with_id"
        await ask_for_channel(self._client, snoop.id, operation, values, deadline)
        return snoop

    # -- variables -----------------------------------------------------------------------------

    async def get_variable(self, variable: str, *, deadline: Seconds = None) -> str:
        """A channel variable or dialplan function; "" when it is not set."""
        try:
            found: VariableSnapshot = await self.do(
                "get_channel_var", variable=variable, deadline=deadline
            )
        except NotFound as error:
            if "variable" in error.message:  # and not the channel
                return ""
            raise
        return found.value

    async def set_variable(
        self, variable: str, value: str, *, wait: bool = True, deadline: Seconds = None
    ) -> None:
        """Set a channel variable or a writable dialplan function."""
        await self._send("set_channel_var", {"variable": variable, "value": value}, wait, deadline)

    async def set_variables(
        self, variables: Mapping[str, str], *, wait: bool = True, deadline: Seconds = None
    ) -> None:
        """Set several in one request."""
        await self._send("set_channel_vars", {"variables": dict(variables)}, wait, deadline)
