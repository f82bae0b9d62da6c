"""What a process has of a `Pbx`: as much of `ari_app.ari.Client` as calls use."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ari_app.ari import (
    BadRequest,
    ChannelSnapshot,
    Event,
    Events,
    NotFound,
    PlaybackFinished,
    RecordingFinished,
    StasisStart,
)
from ari_app.ari.errors import Unprocessable
from ari_app.ari.exchange import Exchange
from ari_app.ari.inbox import Inbox
from ari_app.ari.listening import Subscription
from ari_app.ari.snapshots import BridgeSnapshot, LiveRecordingSnapshot, PlaybackSnapshot
from tests.ari_app.calls import pbx as asterisk
from tests.ari_app.calls.pbx import Pbx
from tests.ari_app.calls.rig import PROMPT_SECONDS

SAYS_SECONDS = 3.0


class Ari:
    """What one process has of Asterisk; `dead` once the process is."""

    application = "huisheng"
    is_connected = True

    def __init__(self, pbx: Pbx) -> None:
        self.pbx, self.dead = pbx, False
        self.entered: Inbox[StasisStart] = Inbox(1000)
        self.found: Inbox[ChannelSnapshot] = Inbox(1000)
        self.exchange = Exchange(self._arrived)
        pbx.feed = self.exchange.feed
        for one in pbx.lines.values():
            if one.inside:
                self.exchange.adopt(one.id)
        self.channels = SimpleNamespace(
            originate=self._originate,
            external_media=self._external_media,
            list=self._list,
            get=lambda ident: self.channel(ident).get(),
        )
        self.bridges = SimpleNamespace(create=self._create, list=self._bridges)
        self.recordings = SimpleNamespace(
            live=lambda name: LiveTape(self, name), stored=lambda name: name
        )
        self.applications = SimpleNamespace(get=self._application)

    def _arrived(self, start: StasisStart) -> None:
        self.entered.put(start)

    async def ask(self, what: str) -> None:
        if not self.dead:
            await self.pbx.ask(what)
        if self.dead:
            await asyncio.Event().wait()

    def arrivals(self) -> Inbox[StasisStart]:
        return self.entered

    def adopted(self) -> Inbox[ChannelSnapshot]:
        return self.found

    def channel(self, ident: str) -> "Handle":
        return Handle(self, ident)

    def bridge(self, ident: str) -> "Room":
        return Room(self, ident)

    def listen(self, *types: type[Event], channels: Sequence[str]) -> Events[Any]:
        ids = tuple(channels)
        return Events(self.exchange, types, ids, (), ids, 256)

    def on(self, call: Any, *types: type[Event], channels: Sequence[str], ended: Any) -> Any:
        ids = tuple(channels)
        return Subscription(self.exchange, types, ids, (), ids, call, ended)

    async def _application(self, _: str) -> Any:
        await self.ask("application")
        inside = [one.id for one in self.pbx.lines.values() if one.inside]
        return SimpleNamespace(channel_ids=inside)

    async def _list(self) -> list[ChannelSnapshot]:
        await self.ask("list")
        return [one.snapshot() for one in self.pbx.lines.values()]

    async def _bridges(self) -> list[BridgeSnapshot]:
        await self.ask("bridges")
        there = self.pbx.bridges.items()
        return [BridgeSnapshot(b, name=self.application, channels=[*who]) for b, who in there]

    async def _create(self, *, bridge_id: str, **_: Any) -> None:
        await self.ask(f"create {bridge_id}")
        self.pbx.bridges[bridge_id] = []

    async def _originate(
        self, *, endpoint: str, channel_id: str, variables: dict[str, str], **_: Any
    ) -> "Handle":
        self.exchange.expect(channel_id)
        try:
            await self.ask(f"originate {endpoint}")
        except Exception:
            self.exchange.forget(channel_id)
            raise
        leg = asterisk.Line(channel_id, f"{endpoint}-{channel_id}", "Ringing", context="")
        leg.variables |= variables
        self.pbx.add(leg)
        self.pbx.set_limit(leg, float(variables["TIMEOUT(absolute)"]))
        self.pbx.ring(channel_id, endpoint.removeprefix("PJSIP/"))
        return self.channel(channel_id)

    async def _external_media(self, *, channel_id: str, **_: Any) -> ChannelSnapshot:
        self.exchange.expect(channel_id)
        await self.ask(f"media {channel_id}")
        self.pbx.add(asterisk.Line(channel_id, channel_id, "Down", context=""))
        variables = {"MEDIA_WEBSOCKET_CONNECTION_ID": channel_id}
        return ChannelSnapshot(channel_id, channelvars=variables)


class Handle:
    """A channel as `ari.channel(id)` gives it."""

    def __init__(self, ari: Ari, ident: str) -> None:
        self.ari, self.id = ari, ident

    def listen(self) -> Events[Event]:
        return self.ari.listen(channels=[self.id])

    async def _line(self, what: str) -> asterisk.Line:
        await self.ari.ask(f"{what} {self.id}")
        line = self.ari.pbx.lines.get(self.id)
        if line is None:
            raise NotFound("no such channel", ids={"channel_id": self.id})
        return line

    async def get(self) -> ChannelSnapshot:
        return (await self._line("get")).snapshot()

    async def get_variable(self, variable: str) -> str:
        line = await self._line(f"variable {variable}")
        name, _, value = variable.removeprefix("SET(").removesuffix(")").rpartition("=")
        if name == "TIMEOUT(absolute)":
            self.ari.pbx.set_limit(line, float(value))
        else:
            line.variables[name] = value
        return value

    async def answer(self) -> None:
        await self._inside("answer")

    async def hangup(self) -> None:
        await self._line("hangup")
        self.ari.pbx.end(self.id)

    async def continue_in_dialplan(self, **place: Any) -> None:
        line = await self._inside("continue")
        self.ari.pbx.to_dialplan(line, place["context"])

    async def start_moh(self) -> None:
        (await self._inside("music")).music = True

    async def stop_moh(self) -> None:
        (await self._inside("silence")).music = False

    async def play(self, media: Sequence[str]) -> "Sound":
        await self._inside(f"play {','.join(media)}")
        sound = Sound(self)
        asyncio.get_running_loop().call_later(PROMPT_SECONDS * len(media), sound.end)
        return sound

    async def record(self, name: str, **_: Any) -> "Sound":
        """Somebody who says something for three seconds."""
        line = await self._inside("tell")
        sound = Sound(self, name)

        def told() -> None:
            if line.inside:
                self.ari.pbx.stored[name] = asterisk.Tape("", heard=SAYS_SECONDS)
            sound.end()

        asyncio.get_running_loop().call_later(SAYS_SECONDS, told)
        return sound

    async def snoop(self, *, spy: str, snoop_id: str, **_: Any) -> None:
        self.ari.exchange.expect(snoop_id)
        await self._line("snoop")
        snoop = asterisk.Line(snoop_id, f"Snoop/{snoop_id}", context="", spies_on=self.id)
        self.ari.pbx.add(snoop)
        self.ari.pbx.enter(snoop_id)

    async def _inside(self, what: str) -> asterisk.Line:
        line = await self._line(what)
        if not line.inside:
            raise Unprocessable("not in the application", ids={"channel_id": self.id})
        return line


@dataclass(eq=False)
class Sound:
    """A playback; a recording of the caller where it has a name."""

    channel: Handle
    recording: str = ""
    is_over: bool = False

    async def stop(self, *, wait: bool = True) -> None:
        await self.channel.ari.ask("stop")
        if self.is_over:
            raise NotFound("no such playback")
        self.end()

    def end(self) -> None:
        if not self.is_over:
            self.is_over = True
            uri = f"channel:{self.channel.id}"
            ended: Event = PlaybackFinished(playback=PlaybackSnapshot("p-1", target_uri=uri))
            if self.recording:
                tape = LiveRecordingSnapshot(self.recording, target_uri=uri)
                ended = RecordingFinished(recording=tape)
            self.channel.ari.exchange.feed(ended)


class Room:
    """A bridge as `ari.bridge(id)` gives it."""

    def __init__(self, ari: Ari, ident: str) -> None:
        self.ari, self.id = ari, ident

    async def _members(self, what: str) -> list[str]:
        await self.ari.ask(f"{what} {self.id}")
        if self.id not in self.ari.pbx.bridges:
            raise NotFound("no such bridge", ids={"bridge_id": self.id})
        return self.ari.pbx.bridges[self.id]

    async def get(self) -> BridgeSnapshot:
        return BridgeSnapshot(self.id, channels=list(await self._members("members")))

    async def add_channel(self, *channels: "Handle | str", **_: Any) -> None:
        idents = [one if isinstance(one, str) else one.id for one in channels]
        members = await self._members(f"join {','.join(idents)}")
        for ident in idents:
            line = self.ari.pbx.lines.get(ident)
            if line is None:
                raise BadRequest("channel not found", ids={"bridge_id": self.id})
            if not line.inside:
                raise Unprocessable("not in the application", ids={"bridge_id": self.id})
            self.ari.pbx.out_of_bridge(ident)
            members.append(ident)

    async def remove_channel(self, channel: "Handle") -> None:
        members = await self._members(f"part {channel.id}")
        if channel.id not in members:
            raise Unprocessable("not in this bridge", ids={"bridge_id": self.id})
        members.remove(channel.id)

    async def record(self, name: str, **_: Any) -> None:
        await self._members(f"record {name}")
        self.ari.pbx.tapes[name] = asterisk.Tape(self.id, since=asyncio.get_running_loop().time())

    async def destroy(self) -> None:
        await self._members("destroy")
        self.ari.pbx.destroy(self.id)


@dataclass
class LiveTape:
    """A recording as `ari.recordings.live(name)` gives it."""

    ari: Ari
    name: str

    async def _tape(self, what: str) -> asterisk.Tape:
        await self.ari.ask(f"{what} {self.name}")
        if self.name not in self.ari.pbx.tapes:
            raise NotFound("no such recording", ids={"recording_name": self.name})
        return self.ari.pbx.tapes[self.name]

    async def get(self) -> LiveRecordingSnapshot:
        tape = await self._tape("tape")
        return LiveRecordingSnapshot(self.name, state="paused" if tape.paused else "recording")

    async def pause(self) -> None:
        await self._tape("pause")
        self.ari.pbx.pause(self.name, True)

    async def unpause(self) -> None:
        await self._tape("unpause")
        self.ari.pbx.pause(self.name, False)

    async def stop(self) -> None:
        await self._tape("stop")
        self.ari.pbx.stop(self.name)
