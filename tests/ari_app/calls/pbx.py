"""An Asterisk with telephones, bridges, taps and recordings, in virtual time: what it is asked for
takes a moment, and anything may happen in that moment (`Pbx.before`).

It does what asterisk_conf's dialplan does where that matters to a talk: an armed leg that ends
sends a lonely caller to `huisheng-back`, and a lease that runs out sends one to the fallback.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ari_app.ari import ChannelDestroyed, ChannelSnapshot, Event, StasisEnd, StasisStart
from ari_app.ari.snapshots import DialplanPlace

MOMENT = 0.002  # that a request takes
TAIL = 0.3  # by which what is written of a recording is behind what is said
WAY_BACK = 0.005  # through the dialplan
LEASE = 25.0
STASIS = "Stasis"


@dataclass(eq=False)
class Line:
    """A channel."""

    id: str
    name: str
    state: str = "Up"
    inside: bool = False  # our application
    context: str = "huisheng-line"
    exten: str = "4001234567"
    variables: dict[str, str] = field(default_factory=dict)
    music: bool = False
    limit: asyncio.TimerHandle | None = None  # TIMEOUT(absolute)
    spies_on: str = ""
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alone(self) -> bool:
        """Whether the dialplan serves this caller alone."""
        return self.context == "huisheng-fallback"

    def snapshot(self) -> ChannelSnapshot:
        place = DialplanPlace(self.context, self.exten, 1, STASIS if self.inside else "")
        return ChannelSnapshot(self.id, self.name, self.state, dialplan=place)


@dataclass
class Phone:
    """How an agent's telephone behaves."""

    answers: float | None = 1.0  # after so many seconds; None: never
    cause: int = 19  # why not


@dataclass
class Tape:
    """A recording of a bridge."""

    bridge: str
    paused: bool = False
    heard: float = 0.0  # seconds that are on it, up to `since`
    since: float = 0.0
    ending: bool = False  # told to stop: what it has heard is written, and then it is


class Pbx:
    """`feed` takes its events to the process that is connected."""

    def __init__(self) -> None:
        self.feed: Callable[[Event], None] = lambda _: None
        self.lines: dict[str, Line] = {}
        self.bridges: dict[str, list[str]] = {}
        self.tapes: dict[str, Tape] = {}
        self.stored: dict[str, Tape] = {}
        self.phones: dict[str, Phone] = {}
        self.asked: list[str] = []
        self.before: Callable[[int, str], None] = lambda _number, _what: None
        self.refuses: dict[str, Exception] = {}  # what is asked begins so
        self.hangs: dict[str, float] = {}  # likewise: takes so many seconds more

    async def ask(self, what: str) -> None:
        """Somebody asks for this, and waits a moment."""
        number = len(self.asked)
        self.asked.append(what)
        seconds = MOMENT + next((s for w, s in self.hangs.items() if what.startswith(w)), 0.0)
        await asyncio.sleep(seconds)
        self.before(number, what)
        for refused, error in self.refuses.items():
            if what.startswith(refused):
                raise error

    # -- channels ----------------------------------------------------------------------------------

    def add(self, line: Line) -> Line:
        self.lines[line.id] = line
        return line

    def enter(self, ident: str, *args: str) -> None:
        """The channel enters the application."""
        line = self.lines.get(ident)
        if line is not None and not line.inside:
            line.inside, line.state = True, "Up"
            self.feed(StasisStart(channel=line.snapshot(), args=list(args)))

    def ring(self, ident: str, extension: str) -> None:
        phone, loop = self.phones.get(extension, Phone()), asyncio.get_running_loop()
        if phone.answers is not None:
            loop.call_later(phone.answers, self.enter, ident, "leg")
        else:
            loop.call_later(1.0, self.end, ident, phone.cause)

    def end(self, ident: str, cause: int = 16) -> None:
        """It hangs up, or is hung up."""
        line = self.lines.get(ident)
        if line is None:
            return
        self._leave(line)
        if line.state == "Up":
            self._agent_gone(line)
        self.out_of_bridge(ident)
        del self.lines[ident]
        line.gone.set()
        self.set_limit(line, 0)
        self.feed(ChannelDestroyed(channel=line.snapshot(), cause=cause))

    def leg_of(self, extension: str) -> Line | None:
        """The agent's telephone that rings or talks."""
        name = f"PJSIP/{extension}-"
        return next((one for one in self.lines.values() if one.name.startswith(name)), None)

    def hang_up(self, extension: str) -> None:
        """The agent does."""
        leg = self.leg_of(extension)
        if leg is not None:
            self.end(leg.id)

    def set_limit(self, line: Line, seconds: float) -> None:
        if line.limit is not None:
            line.limit.cancel()
        line.limit = None
        if seconds:
            line.limit = asyncio.get_running_loop().call_later(seconds, self._too_long, line)

    def to_dialplan(self, line: Line, context: str) -> None:
        line.context = context
        self.out_of_bridge(line.id)
        self._leave(line)
        line.music = context == "huisheng-back"

    def _leave(self, line: Line) -> None:
        if line.inside:
            line.inside = False
            self.feed(StasisEnd(channel=line.snapshot()))

    def _too_long(self, line: Line) -> None:
        if line.id.startswith("c-"):
            self.end(line.id)
        else:
            self.to_dialplan(line, "huisheng-fallback")

    def _agent_gone(self, leg: Line) -> None:
        """The hang-up handler of huisheng-agent-gone."""
        name = leg.variables.get("HUISHENG_CALLER", "")
        caller = next((one for one in self.lines.values() if name and one.name == name), None)
        if caller is None or caller.alone:
            return
        peers = next((b for b in self.bridges.values() if caller.id in b), [])
        if set(peers) - {caller.id, leg.id}:
            return
        self.to_dialplan(caller, "huisheng-back")
        self.set_limit(caller, LEASE)
        loop = asyncio.get_running_loop()
        loop.call_later(WAY_BACK, self.enter, caller.id, "back", caller.exten)

    # -- bridges and recordings --------------------------------------------------------------------

    def out_of_bridge(self, ident: str) -> None:
        for members in self.bridges.values():
            if ident in members:
                members.remove(ident)

    def together(self, *idents: str) -> bool:
        """Whether these hear one another."""
        return any(set(idents) <= set(members) for members in self.bridges.values())

    def destroy(self, bridge: str) -> None:
        del self.bridges[bridge]
        for name in [name for name, tape in self.tapes.items() if tape.bridge == bridge]:
            self.store(name, whole=False)

    def pause(self, name: str, paused: bool) -> None:
        tape, now = self.tapes[name], asyncio.get_running_loop().time()
        if not tape.paused:
            tape.heard += now - tape.since
        tape.paused, tape.since = paused, now

    def stop(self, name: str) -> None:
        self.pause(name, True)
        self.tapes[name].ending = True
        asyncio.get_running_loop().call_later(TAIL, self.store, name)

    def store(self, name: str, *, whole: bool = True) -> None:
        if name not in self.tapes:
            return
        self.pause(name, True)
        tape = self.tapes.pop(name)
        if not whole:
            tape.heard = max(0.0, tape.heard - TAIL)
        if name in self.stored:
            tape.heard += self.stored[name].heard
        self.stored[name] = tape

    def left(self) -> dict[str, Any]:
        """What is there that is no caller's channel."""
        ours = [ident for ident in self.lines if ident[:2] in ("c-", "s-", "m-")]
        found: dict[str, Any] = {"channels": ours, "bridges": [*self.bridges]}
        found["tapes"] = [*self.tapes]
        return {what: there for what, there in found.items() if there}
