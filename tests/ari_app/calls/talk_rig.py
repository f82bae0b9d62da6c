"""A line whose callers talk, in virtual time: the real switchboard, queue and stages on a `Pbx`."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ari_app.ari import ChannelDtmfReceived, ChannelSnapshot, NotFound
from ari_app.calls.call import Call, Stage
from ari_app.calls.controls import Controls
from ari_app.calls.line import Line
from ari_app.calls.new_call import new_call
from ari_app.calls.recovery.evidence import Evidence
from ari_app.calls.switchboard import Switchboard
from ari_app.queue import AgentState, Need
from desk import journal, tickets, timeline
from desk.recordings import NewRecording, StoreFull
from desk.region import locate
from stt.mix import Track
from tests.ari_app.calls import pbx as asterisk
from tests.ari_app.calls.ari_rig import Ari
from tests.ari_app.calls.pbx import Pbx
from tests.ari_app.calls.rig import CALL_ID, Desk, FakePrompts, Woken, line_on, settings

CALLER_NAME = "PJSIP/carrier-00000001"
AGENT, OTHER, THIRD = "8001", "8002", "8003"
NUMBER = "01062345678"
WRAPS_UP = (AgentState.WRAP_UP, AgentState.READY)


@dataclass
class Vault:
    """Takes over what `Pbx` has stored."""

    pbx: Pbx
    full: bool = False
    mixed: list[list[tuple[str, float, Sequence[tuple[float, float]]]]] = field(
        default_factory=list
    )

    async def fetch(self, _: object, call_id: str, name: str, **about: Any) -> NewRecording:
        if self.full:
            raise StoreFull(name, Path("/recordings"))
        tape = self.pbx.stored.get(name)
        if tape is None:
            raise NotFound("no such recording")
        state: Any = "skipped" if about.pop("transcribed", False) else "recorded"
        return NewRecording(
            call_id, name, f"/{name}.wav", round(tape.heard, 3), "0" * 64, state=state, **about
        )

    async def mix(
        self, call_id: str, parties: list[tuple[NewRecording, Track]], began: Any
    ) -> NewRecording:
        self.mixed.append([(new.name, track.offset, track.pauses) for new, track in parties])
        name = f"mix-{call_id}"
        return NewRecording(
            call_id, name, f"/{name}.wav", 1.0, "0" * 64, kind="mix", state="skipped"
        )

    async def forget(self, _: object, name: str) -> None:
        self.pbx.stored.pop(name, None)


@dataclass(eq=False)
class Stream:
    """A party that is heard live; `say` has it say something."""

    pool: "Pool"
    on_partial: Callable[[str], None]
    on_utterance: Callable[[Any], None]
    paused: bool = False
    engine: Any = field(default_factory=lambda: SimpleNamespace(name="fake"))

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    async def finish(self, _: float) -> Any:
        self.pool.streams.discard(self)
        return SimpleNamespace(complete=True)


@dataclass
class Pool:
    """Hears everybody at once."""

    streams: set[Stream] = field(default_factory=set)

    def open(self, _: str, _rate: int, *, on_partial: Any, on_utterance: Any) -> Stream:
        stream = Stream(self, on_partial, on_utterance)
        self.streams.add(stream)
        return stream


@dataclass
class Grip:
    """What one process has of the desk: nothing any more once it is dead."""

    desk: Desk
    ari: Ari

    async def write(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.ari.dead:
            await asyncio.Event().wait()
        return await self.desk.write(work, *args, **kwargs)

    read = write


class World:
    """One caller, three agents, one process after the other."""

    def __init__(self, desk: Desk, monkeypatch: Any, **queue: Any) -> None:
        self.desk, self.pbx, self.vault, self.pool = desk, Pbx(), Vault(Pbx()), Pool()
        self.vault.pbx = self.pbx
        plain = settings()
        self._settings = plain.model_copy(
            update={"queue": plain.queue.model_copy(update={"announce_seconds": 3600.0, **queue})}
        )
        monkeypatch.setattr("ari_app.calls.talk.listening.read_media", self._read_media)
        monkeypatch.setattr("ari_app.calls.switchboard.STOP_SECONDS", 0.5)
        self.notes: dict[str, Any] = {}
        self.begin()

    # -- processes ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """A process begins to serve."""
        self.ari = Ari(self.pbx)
        grip: Any = Grip(self.desk, self.ari)
        self.line: Line = line_on(grip, self._settings)
        parts: Any = {"ari": self.ari, "vault": self.vault}
        live: Any = SimpleNamespace(live=self.pool, engine_for=lambda *_, **__: "fake")
        parts |= {"hearing": live, "transcriptions": Woken(), "prompts": FakePrompts()}
        for name, part in parts.items():
            setattr(self.line, name, part)
        self.board = Switchboard(self.line)
        self.controls = Controls(self.line, self.board.call)
        self.task = asyncio.create_task(self.board.run(self._noted))

    async def _noted(self) -> dict[str, Evidence]:
        """What the dialplan writes down of callers whom it serves alone, or who hang up."""
        if not self.notes:
            return {}
        now = self.line.now()
        return {CALL_ID: Evidence(CALL_ID, now, **self.notes)}

    async def kill(self) -> None:
        """The process dies: it asks and records nothing any more; its media channels go."""
        self.ari.dead = True
        self.pbx.feed = lambda _: None
        await self.stop()
        self.pool.streams.clear()
        for ident in [ident for ident in self.pbx.lines if ident.startswith("m-")]:
            self.pbx.lines.pop(ident).gone.set()
            self.pbx.out_of_bridge(ident)

    async def stop(self) -> None:
        """The process ends and leaves everything in place."""
        self.board.leave_in_place()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.line.queue.close()

    # -- the caller --------------------------------------------------------------------------------

    async def call(self, extension: str = AGENT, **state: Any) -> Call:
        """Somebody comes in who asks for that extension."""
        await self.board.resumed.wait()
        channel = asterisk.Line(CALL_ID, CALLER_NAME)
        self.pbx.add(channel)
        self.ari.exchange.adopt(channel.id)
        self.pbx.set_limit(channel, asterisk.LEASE)
        channel.inside = True
        call = new_call(channel.snapshot(), self.line)
        call.caller_id, call.caller = NUMBER, locate(NUMBER, "022")
        await self.line.journal.begin(call)
        call.stage = Stage.QUEUE
        need = Need(extension=extension)
        call.state = {"need": need.as_dict(), "since": self.line.now().isoformat()}
        call.state |= {"recorded": "on", "last_agent": "", **state}
        self.board.take(call)
        return call

    @property
    def caller(self) -> asterisk.Line | None:
        return self.pbx.lines.get(CALL_ID)

    def leaves(self) -> None:
        """The caller hangs up."""
        self.pbx.end(CALL_ID)

    def press(self, digit: str) -> None:
        """The caller does."""
        channel = ChannelSnapshot(id=CALL_ID)
        self.ari.exchange.feed(ChannelDtmfReceived(channel=channel, digit=digit))

    async def talking(self, extension: str = AGENT, **state: Any) -> Call:
        """A caller and an agent who talk."""
        call = await self.call(extension, **state)
        await self.until(lambda: self.talks_with(extension))
        await self.until(lambda: bool(call.state.get("talked")))
        return call

    def talks_with(self, extension: str) -> bool:
        leg = self.pbx.leg_of(extension)
        return leg is not None and self.pbx.together(CALL_ID, leg.id)

    async def order(self, verb: str, *args: str) -> None:
        """An agent or a supervisor orders something in the talk."""
        await getattr(self.controls, verb)(CALL_ID, *args, actor="test")

    # -- looking -----------------------------------------------------------------------------------

    async def until(
        self, true: Callable[[], bool], seconds: float = 30.0, look: float = 0.01
    ) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(look)

    async def over(self, seconds: float = 60.0) -> None:
        """Until no call has a coroutine."""
        await self.until(lambda: self.board.live == 0, seconds, 0.25)

    def state(self, extension: str = AGENT) -> AgentState:
        return self.line.queue.standing(extension).state

    async def journaled(self) -> journal.Call:
        await self.line.journal.flush()
        found: journal.Call = await self.desk.read(journal.get, CALL_ID)
        return found

    async def ticket(self) -> str:
        call = await self.journaled()
        return (await self.desk.read(tickets.get, call.ticket_id)).type if call.ticket_id else ""

    async def kinds(self) -> list[str]:
        """What the call's timeline tells, in order."""
        await self.line.journal.flush()
        entries = await self.desk.read(timeline.entries_after, 0, 500, call_id=CALL_ID)
        return [entry.kind for entry in entries]

    async def _read_media(self, url: str, _: object) -> None:
        ident = url.rpartition("/")[2]
        self.pbx.enter(ident)
        await self.pbx.lines[ident].gone.wait()
