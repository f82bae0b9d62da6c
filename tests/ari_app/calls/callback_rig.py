"""Asterisk and the switchboard as call-backs need them, in virtual time: telephones that ring,
answer or refuse as a test says, and talks that last a minute."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ari_app.ari import (
    ChannelDestroyed,
    ChannelSnapshot,
    Event,
    Events,
    NotFound,
    ServerError,
    StasisStart,
)
from ari_app.ari.exchange import Exchange
from ari_app.callback_settings import CallbackSettings
from ari_app.calls.call import Call, Stage
from ari_app.calls.callback.callbacks import Callbacks
from ari_app.calls.line import Line
from desk import callbacks, journal, tickets
from desk.callbacks import Callback, NewCallback
from desk.journal import NewCall
from desk.outbound import LimitSettings, OutboundSettings
from desk.region import locate
from desk.tickets import NewTicket
from tests.ari_app.calls.rig import Desk, line_on, settings

CUSTOMER = "13820220001"
FIRST = "huisheng-1.1"
TALK_SECONDS = 60.0
PROMPT_SECONDS = 1.0
LOOK_SECONDS = 5.0

Answer = str
"""`answers`, `busy`, `silent`, `trunk` (nothing rings, 503), `refused` (Asterisk does not dial)."""
CAUSES = {"busy": 17, "silent": 19, "trunk": 38, "declines": 21}


@dataclass
class FakePhone:
    """A channel of an agent's leg or of a customer."""

    id: str
    pbx: "FakePbx"
    did: list[str] = field(default_factory=list)

    def listen(self) -> Events[Event]:
        return self.pbx.listen(channels=[self.id])

    async def ring(self) -> None:
        self._do("ring")

    async def play(self, media: Sequence[str]) -> Any:
        self._do(f"play {media[0].removeprefix('sound:')}")

        async def finished(_: float) -> None:
            await asyncio.sleep(PROMPT_SECONDS)
            self._do("heard")

        return SimpleNamespace(finished=finished)

    async def get_variable(self, variable: str) -> str:
        self._do(variable)
        return ""

    async def get(self) -> ChannelSnapshot:
        return await self.pbx.get(self.id)

    async def hangup(self) -> None:
        self._do("hangup")
        self.pbx.end(self.id, 16)

    def _do(self, what: str) -> None:
        if self.id not in self.pbx.there:
            raise NotFound("no such channel", ids={"channel_id": self.id})
        self.did.append(what)


class FakePbx:
    """Asterisk. `agents` and `customer` say how telephones are answered, one after the other; the
    last one stays."""

    application = "huisheng"

    def __init__(self) -> None:
        self.exchange = Exchange(lambda _: None)
        self.there: set[str] = set()
        self.phones: dict[str, FakePhone] = {}
        self.rung: list[tuple[float, str]] = []
        self.customer: list[Answer] = ["answers"]
        self.agents: list[Answer] = ["answers"]
        self.agent_stays: float | None = None  # seconds; None: as long as it takes
        self.rings = 5.0
        self.channels = self
        self.applications = self

    @property
    def customers_rung(self) -> list[float]:
        return [at for at, endpoint in self.rung if "@" in endpoint]

    def listen(self, *_: object, channels: Sequence[str]) -> Events[Event]:
        ids = tuple(channels)
        return Events(self.exchange, (), ids, (), ids, 256)

    def channel(self, ident: str) -> Any:
        return self.phones.setdefault(ident, FakePhone(ident, self))

    async def originate(self, endpoint: str, *, channel_id: str, **_: Any) -> Any:
        loop = asyncio.get_running_loop()
        self.rung.append((loop.time(), endpoint))
        script = self.customer if "@" in endpoint else self.agents
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer == "refused":
            raise ServerError("allocation failed")
        self.there.add(channel_id)
        if answer == "answers":
            loop.call_later(self.rings, self._answer, channel_id, endpoint)
        else:
            state = "Down" if answer == "trunk" else "Ringing"
            loop.call_later(self.rings, self.end, channel_id, CAUSES[answer], state)

    def _answer(self, ident: str, endpoint: str) -> None:
        if ident not in self.there:
            return
        kind = "callback" if "@" in endpoint else "leg"
        self.exchange.feed(StasisStart(channel=ChannelSnapshot(id=ident), args=[kind]))
        if kind == "leg" and self.agent_stays is not None:
            asyncio.get_running_loop().call_later(self.agent_stays, self.end, ident, 16)

    def end(self, ident: str, cause: int, state: str = "Up") -> None:
        if ident in self.there:
            self.there.discard(ident)
            snapshot = ChannelSnapshot(id=ident, state=state)
            self.exchange.feed(ChannelDestroyed(channel=snapshot, cause=cause))

    async def get(self, ident: str) -> ChannelSnapshot:
        if ident not in self.there:
            raise NotFound("no such channel", ids={"channel_id": ident})
        return ChannelSnapshot(id=ident)

    async def subscribe(self, *_: str) -> None:
        pass

    unsubscribe = subscribe


class FakeBoard:
    """A switchboard whose calls talk for a minute, or hang up at once."""

    def __init__(self, line: Line, pbx: FakePbx) -> None:
        self.resumed = asyncio.Event()
        self.resumed.set()
        self.leaving = self.stops = False
        self.talks = True
        self.connected: list[str] = []
        self._line, self._pbx = line, pbx
        self._expected: dict[str, Call] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}

    def call(self, call_id: str) -> object | None:
        return self._calls.get(call_id)

    async def ended(self, call_id: str) -> None:
        if call_id in self._calls:
            await asyncio.wait([self._calls[call_id]])

    def expect(self, call: Call) -> None:
        self._expected[call.id] = call

    def forget(self, call: Call) -> bool:
        return self._expected.pop(call.id, None) is not None

    def connect(self, channel: ChannelSnapshot) -> bool:
        call = self._expected.pop(channel.id, None)
        if call is None:
            return False
        self.connected.append(call.id)
        task = self._calls[call.id] = asyncio.create_task(self._talk(call))
        task.add_done_callback(lambda _: self._calls.pop(call.id))
        return True

    async def _talk(self, call: Call) -> None:
        line = self._line
        (leg,) = call.state["talk"]["legs"].values()
        line.queue.busy(leg["extension"], call.id)
        if self.talks:
            call.stage, call.state["talked"] = Stage.TALK, True
            await line.journal.enter(call)
            await asyncio.sleep(TALK_SECONDS)
        self._pbx.end(call.id, 16)
        self._pbx.end(leg["id"], 16)
        line.queue.free(leg["extension"], call.id)
        await line.db.write(journal.end, call.id, "hangup", line.now())


@dataclass
class World:
    """A line with a trunk, one team of agents, and a customer who asked to be called back."""

    desk: Desk
    line: Line
    pbx: FakePbx
    board: FakeBoard

    @classmethod
    def of(cls, desk: Desk, limits: LimitSettings | None = None, **callback: Any) -> "World":
        plain, limits = settings(), limits or LimitSettings()
        line = line_on(
            desk,
            plain.model_copy(
                update={
                    "callback": CallbackSettings(**callback),
                    "outbound": OutboundSettings(trunk="carrier", limits=limits),
                    "queue": plain.queue.model_copy(update={"wrap_up_seconds": 0.0}),
                }
            ),
        )
        pbx: Any = FakePbx()
        line.ari = pbx
        return cls(desk, line, pbx, FakeBoard(line, pbx))

    async def ask(self, call_id: str = FIRST, number: str = CUSTOMER, **first: Any) -> int:
        """A request; the call it was made in is over unless `ended` says otherwise."""

        def keep(db: Any) -> int:
            now = self.line.now()
            caller = locate(number, "022")
            journal.begin(db, NewCall(call_id, "4001234567", number, caller), now)
            tickets.open_ticket(db, NewTicket("callback", "回电", call_id=call_id), now)
            if first.get("ended", True):
                journal.end(db, call_id, "completed", now)
            need = {"team": "tianjin"}
            return callbacks.request(db, NewCallback(call_id, number, need, now), now)

        kept: int = await self.desk.write(keep)
        self.line.callback_wanted.set()
        return kept

    async def row(self, callback_id: int = 1) -> Callback:
        found: Callback = await self.desk.read(callbacks.get, callback_id)
        return found

    async def until(self, true: Callable[[Callback], bool], callback_id: int = 1) -> Callback:
        """The request once it is so. Virtual seconds cost nothing."""
        async with asyncio.timeout(48 * 3600):
            while not true(row := await self.row(callback_id)):  # noqa: ASYNC110 - virtual
                await asyncio.sleep(LOOK_SECONDS)
        return row

    async def done(self, callback_id: int = 1) -> Callback:
        return await self.until(lambda row: row.state == "done", callback_id)


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """Call-backs are made for the length of the block."""
    task = asyncio.create_task(Callbacks(world.line, world.board).run())  # type: ignore[arg-type]
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
