"""A line without Asterisk: the caller, the channel and the desk live in virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from ari_app.ari import (
    AriError,
    ChannelDtmfReceived,
    ChannelSnapshot,
    Event,
    Events,
    NotFound,
    PlaybackFinished,
    RecordingFinished,
    StasisEnd,
)
from ari_app.ari.exchange import Exchange
from ari_app.ari.snapshots import LiveRecordingSnapshot, PlaybackSnapshot
from ari_app.calls.call import Call
from ari_app.calls.journal import Journal
from ari_app.calls.lease import Lease
from ari_app.calls.line import Line
from ari_app.ivr.compiled import compile_menus
from ari_app.queue import Agent, Queue
from ari_app.settings import Settings, load
from desk import journal as desk_journal
from desk import tickets
from desk.recordings import NewRecording
from desk.region import RegionTable
from desk.tickets import Ticket
from tests.crm_bridge.virtual import MemoryDatabase

CONFIG = Path(__file__).parents[3] / "config.yaml"
OPEN_HOURS = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
PROMPT_SECONDS = 1.0
CALL_ID = "huisheng-1.1"


class Desk(MemoryDatabase):
    """A desk that may be locked: `locked` waits for ever, `failure` fails at once."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()

    def lock(self, seconds: float) -> None:
        """Nobody gets at it for so long."""
        self.open.clear()
        asyncio.get_running_loop().call_later(seconds, self.open.set)

    async def write(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await self.open.wait()
        return await super().write(work, *args, **kwargs)

    read = write


@dataclass(eq=False)
class Sounding:
    """A playback or a recording."""

    ident: str
    channel: "FakeChannel"
    is_over: bool = False

    async def stop(self, *, wait: bool = True) -> None:
        self.end()

    def end(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        of = f"channel:{self.channel.id}"
        done: Event = PlaybackFinished(playback=PlaybackSnapshot(id=self.ident, target_uri=of))
        if self.ident.startswith("message"):
            done = RecordingFinished(recording=LiveRecordingSnapshot(self.ident, target_uri=of))
        self.channel.exchange.feed(done)


@dataclass(eq=False)
class FakeChannel:
    """The caller's channel. `did` is what was asked of it, with the seconds since the call came."""

    id: str = CALL_ID
    exchange: Exchange = field(default_factory=lambda: Exchange(lambda _: None))
    did: list[tuple[float, str]] = field(default_factory=list)
    refuses: dict[str, AriError] = field(default_factory=dict)
    gone: bool = False
    _sounding: Sounding | None = None
    _came: float = 0.0

    @property
    def heard(self) -> list[str]:
        """The prompts that began to play, in order."""
        return [what.removeprefix("play ") for _, what in self.did if what.startswith("play ")]

    def at(self, what: str) -> float:
        """When this was asked for first."""
        return next(at for at, done in self.did if done.startswith(what))

    def listen(self) -> Events[Event]:
        self._came = asyncio.get_running_loop().time()
        return Events(self.exchange, (), (self.id,), (), (self.id,), 256)

    # what the caller does

    def press(self, digit: str) -> None:
        if digit == "#" and self._sounding is not None and "message" in self._sounding.ident:
            self._sounding.end()
        else:
            event = ChannelDtmfReceived(channel=ChannelSnapshot(id=self.id), digit=digit)
            self.exchange.feed(event)

    def leave(self) -> None:
        if not self.gone:
            self.gone = True
            if self._sounding is not None:
                self._sounding.end()
            self.exchange.feed(StasisEnd(channel=ChannelSnapshot(id=self.id)))

    # what the application asks for

    async def answer(self) -> None:
        self._do("answer")

    async def hangup(self) -> None:
        self._do("hangup")
        self.leave()

    async def set_variable(self, name: str, value: str) -> None:
        self._do(f"{name}={value}")

    async def continue_in_dialplan(self, *, context: str, extension: str, priority: int) -> None:
        self._do(f"continue {context},{extension},{priority}")
        self.leave()

    async def start_moh(self) -> None:
        self._do("music")

    async def stop_moh(self) -> None:
        self._do("no music")

    async def play(self, media: Sequence[str]) -> Sounding:
        for medium in media:
            self._do(f"play {medium.removeprefix('sound:')}")
        return self._sound("p-1", PROMPT_SECONDS * len(media))

    async def record(self, name: str, *, max_duration_seconds: int, **_: Any) -> Sounding:
        self._do("record")
        return self._sound(name, max_duration_seconds)

    def _sound(self, ident: str, seconds: float) -> Sounding:
        self._sounding = sounding = Sounding(ident, self)
        asyncio.get_running_loop().call_later(seconds, sounding.end)
        return sounding

    def _do(self, what: str) -> None:
        operation = what.split()[0]
        if operation in self.refuses:
            raise self.refuses[operation]
        if self.gone:
            raise NotFound("no such channel", ids={"channel_id": self.id})
        self.did.append((asyncio.get_running_loop().time() - self._came, what))


class FakePrompts:
    """Prompts of one second each, under their own names."""

    def media(self, name: str) -> str:
        return f"sound:{name}"

    def digits(self, number: str) -> list[str]:
        return [f"sound:digit-{digit}" for digit in number]

    def seconds(self, _: str) -> float:
        return PROMPT_SECONDS


class FakeVault:
    """Every recording is there and three seconds long."""

    async def fetch(self, _: object, call_id: str, name: str) -> NewRecording:
        return NewRecording(call_id, name, f"/recordings/{name}.wav", 3.0, "0" * 64)

    async def forget(self, _: object, name: str) -> None:
        pass


@dataclass
class Woken:
    """Counts the recordings that wait for their words."""

    times: int = 0

    def wake(self) -> None:
        self.times += 1


@cache
def _configured() -> Settings:
    return load(CONFIG)


def settings(**sections: Any) -> Settings:
    """Those of config.yaml with other sections."""
    return _configured().model_copy(update=sections)


def line_on(desk: Desk, configured: Settings | None = None) -> Line:
    """A line of config.yaml in opening hours, whose clock is the loop's."""
    configured = configured or settings()
    loop = asyncio.get_running_loop()

    def now() -> datetime:
        return OPEN_HOURS + timedelta(seconds=loop.time())

    parts: dict[str, Any] = {
        "ari": None,
        "db": desk,
        "journal": Journal(desk, now),  # type: ignore[arg-type]
        "prompts": FakePrompts(),
        "vault": FakeVault(),
        "transcriptions": Woken(),
        "queue": Queue([Agent.of(a) for a in configured.pbx.agents], configured.queue, now),
        "hearing": None,
    }
    return Line(
        settings=configured,
        regions=RegionTable.builtin(),
        menus=compile_menus(configured),
        now=now,
        clock=loop.time,
        **parts,
    )


def call_on(line: Line, channel: FakeChannel, caller_id: str = "01062345678") -> Call:
    fake: Any = channel

    async def set_timeout(seconds: int) -> None:
        await channel.set_variable("TIMEOUT(absolute)", str(seconds))

    return Call(
        id=channel.id,
        channel=fake,
        events=channel.listen(),
        caller_id=caller_id,
        dialled="4001234567",
        menus=line.menus,
        lease=Lease(line.settings.pbx.lease_seconds, line.clock, set_timeout),
    )


async def outcome(desk: Desk, call_id: str = CALL_ID) -> tuple[desk_journal.Call, Ticket | None]:
    """What the desk knows in the end."""
    call = await desk.read(desk_journal.get, call_id)
    ticket = await desk.read(tickets.get, call.ticket_id) if call.ticket_id else None
    return call, ticket
