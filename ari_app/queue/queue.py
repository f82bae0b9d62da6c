"""The line of waiting callers and the agents who serve it, in the event loop."""

import asyncio
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ari_app.queue.agent import Agent, AgentStanding, AgentState, Row
from ari_app.queue.errors import QueueFull
from ari_app.queue.estimate import expected_wait, mean_handling, position
from ari_app.queue.match import match
from ari_app.queue.need import Waiting
from ari_app.queue.place import Place
from ari_app.queue.priority import turn
from ari_app.queue.relax import Widening
from ari_app.queue.roster import Roster
from ari_app.queue.settings import QueueSettings

log = structlog.get_logger()

SOONEST_SECONDS = 0.01
"""A timer that comes a moment early, by rounding, is set again, but never in a busy loop."""


@dataclass(frozen=True, slots=True)
class InLine:
    """A waiting caller as pages and the API show one; see `Place` for what the values mean."""

    waiting: Waiting
    position: int
    expected_wait: float | None
    offered: Agent | None


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A place, the agents on duty who may serve it (all who ever may, if there is none), and those
    before it: everybody, and those whose agent does not ring yet, as they will be served in so many
    seconds."""

    place: Place
    servers: frozenset[str]
    everybody: Counter[frozenset[str]]
    asking: Mapping[float, Counter[frozenset[str]]]


class Queue:
    """Everything runs in the event loop's thread; nothing blocks."""

    def __init__(
        self,
        agents: Iterable[Agent],
        settings: QueueSettings,
        now: Callable[[], datetime],
        changed: Callable[[AgentStanding], None] = lambda _: None,
    ) -> None:
        """All agents are ready at first.

        Args:
            now: aware time. It may be set back or forth: waits are only looked at anew then.
            changed: hears of every change of an agent at once; what it raises is logged.
        """
        self.now = now
        self._settings = settings
        self._agents = tuple(agents)
        self._listener = changed
        steps = {step.after for rule in settings.rules.values() for step in rule}
        self._horizons = tuple(sorted(steps))  # within these, everybody's choice widens
        self.roster = Roster(self._agents, settings, now(), self._changed)
        self._places: dict[str, Place] = {}
        self._line: list[Place] = []  # in the order of `turn`
        self._look_soon: asyncio.Handle | None = None
        self._look_at: asyncio.TimerHandle | None = None
        self._expected: set[str] = set()
        self._expected_until = now()

    # callers

    def join(self, waiting: Waiting) -> Place:
        """A place in the line, by priority and by how long the caller waits already.

        Raises:
            QueueFull: `most_waiting` wait. Who waited before a restart (`expect`) always gets in.
        """
        if waiting.id in self._places:
            raise RuntimeError(f"call {waiting.id} is in the line already")
        known = waiting.id in self._expected
        if len(self._line) >= self._settings.most_waiting and not known:
            raise QueueFull(waiting.id, self._settings.most_waiting)
        rule = self._settings.rule_for(waiting.need.team)
        widening = Widening.of(waiting.need, self._agents, rule)
        place = Place(self, waiting, widening, self._settings.avoid_seconds)
        self._places[waiting.id] = place
        insort(self._line, place, key=self._turn)
        return place

    def leave(self, place: Place) -> None:
        """Take a place out of the line; a second time does nothing."""
        if self._places.get(place.waiting.id) is place:
            del self._places[place.waiting.id]
            self._line.remove(place)
            if place.waiting.id in self._expected:
                self.forget(place.waiting.id)

    def waiting(self) -> tuple[InLine, ...]:
        """Everybody in the line, in its order."""
        now = self.now()
        return tuple(
            InLine(
                ahead.place.waiting,
                position(ahead.servers, ahead.everybody),
                self._expected_wait(ahead, now),
                ahead.place.offered,
            )
            for ahead in self._walk(now)
        )

    def position(self, place: Place) -> int:
        """See `Place.position`; 0 once the caller has left the line."""
        found = (a for a in self._walk(self.now()) if a.place is place)
        return next((position(a.servers, a.everybody) for a in found), 0)

    def expected_wait(self, place: Place) -> float | None:
        """See `Place.expected_wait`."""
        now = self.now()
        found = (a for a in self._walk(now) if a.place is place)
        return next((self._expected_wait(a, now) for a in found), None)

    # agents

    def standing(self, extension: str) -> AgentStanding:
        """What that agent does.

        Raises:
            NoSuchAgent: here and in everything below.
        """
        return self.roster.standing(extension)

    def standings(self) -> tuple[AgentStanding, ...]:
        """What everybody does, in the order of config.yaml."""
        return self.roster.standings()

    def claim(self, extension: str, call_id: str) -> bool:
        """Ring this very agent for a transfer, a consultation or a conference; False if not ready.
        Then `busy`, `declined` or `free` says how it went on."""
        return self.roster.ring(extension, call_id, self.now())

    def declined(self, extension: str, call_id: str, why: str) -> None:
        """The claimed agent did not answer; see `Place.declined`."""
        self.roster.declined(extension, call_id, why, self.now())
        self.stir()

    def busy(self, extension: str, call_id: str) -> None:
        """The agent talks in this call, however it came about."""
        self.roster.busy(extension, call_id, self.now())

    def free(self, extension: str, call_id: str = "") -> None:
        """The agent has left the call (`""`: whichever it was): wrap-up, then ready; away if that
        was asked for meanwhile. An agent who only rang is ready at once."""
        self.roster.free(extension, call_id, self.now())
        self.stir()

    def set_state(self, extension: str, state: AgentState, reason: str = "") -> None:
        """READY, AWAY, WRAP_UP or UNREACHABLE, as the agent, a supervisor or the PBX says.

        Raises:
            StateRefused: any other state follows from calls.
        """
        self.roster.set_state(extension, state, reason, self.now())
        self.stir()

    # restart

    def restore(self, rows: Iterable[Row], talk_seconds: Iterable[float] = ()) -> None:
        """Go on with the states that the desk keeps. `talk_seconds`: how long the last talks were,
        the latest last; the expected wait goes by them."""
        self.roster.restore(rows, self.now())
        self.roster.talk_seconds.extend(talk_seconds)
        self.stir()

    def expect(self, call_ids: Iterable[str], seconds: float) -> None:
        """Give nobody an agent until all these callers ask for one, or `seconds` are over: so a
        restart does not let a later caller pass those whose calls take longer to adopt."""
        self._expected.update(call_ids)
        self._expected_until = self.now() + timedelta(seconds=seconds)
        self.stir()

    def forget(self, call_id: str) -> None:
        """An expected caller will not come: he hung up, or went elsewhere."""
        self._expected.discard(call_id)
        self.stir()

    def close(self) -> None:
        """Stop the timers. Callers who still wait get no agent any more."""
        for handle in (self._look_soon, self._look_at):
            if handle is not None:
                handle.cancel()
        self._look_soon = self._look_at = None

    # the work

    def stir(self) -> None:
        """Look soon who can get whom: once for everything that happens in one turn of the loop."""
        if self._look_soon is None:
            self._look_soon = asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Give agents to callers, and set the timer for the next time that may change by itself."""
        self._look_soon = None
        now = self.now()
        self.roster.tick(now)
        self._expected -= {place.waiting.id for place in self._line if place.asks}
        if self._expected and now < self._expected_until:
            self._set_timer(now, [self._expected_until])
            return
        self._expected.clear()
        ready = self.roster.ready()
        if ready:
            asking = [place.asking(now) for place in self._line if place.asks]
            for call_id, extension in match(asking, ready, self.roster.on_duty(), now):
                self.roster.ring(extension, call_id, now)
                self._places[call_id].give(self.roster.agent(extension))
                ready.remove(extension)
        # a caller who may have more agents from then on needs one who is ready
        asking_still = [place for place in self._line if place.asks] if ready else []
        self._set_timer(now, [place.due(now) for place in asking_still])

    def _set_timer(self, now: datetime, times: Iterable[datetime | None]) -> None:
        if self._look_at is not None:
            self._look_at.cancel()
            self._look_at = None
        due = min((t for t in (*times, self.roster.due()) if t is not None), default=None)
        if due is not None:
            seconds = max(SOONEST_SECONDS, (due - now).total_seconds())
            self._look_at = asyncio.get_running_loop().call_later(seconds, self._timer)

    def _timer(self) -> None:
        self._look_at = None
        self.stir()

    def _turn(self, place: Place) -> tuple[datetime, datetime]:
        return turn(place.waiting, self._settings.priority_seconds)

    def _walk(self, now: datetime) -> Iterator[_Ahead]:
        """Down the line, each place with those before it. The counts go on changing."""
        there = self.roster.on_duty()
        everybody: Counter[frozenset[str]] = Counter()
        asking: dict[float, Counter[frozenset[str]]] = {at: Counter() for at in self._horizons}
        for place in self._line:
            caller = place.asking(now)
            servers = caller.servers(there, now) or place.widening.widest
            yield _Ahead(place, servers, everybody, asking)
            everybody[servers] += 1
            if place.offered is None:
                for seconds, rivals in asking.items():
                    rivals[caller.servers(there, now + timedelta(seconds=seconds))] += 1

    def _expected_wait(self, ahead: _Ahead, now: datetime) -> float | None:
        if ahead.place.offered is not None:
            return 0.0
        return expected_wait(
            ahead.place.asking(now),
            ahead.asking,
            frozenset(self.roster.ready()),
            self.roster.on_duty(),
            mean_handling(self.roster.talk_seconds, self._settings.wrap_up_seconds),
            now,
        )

    def _changed(self, standing: AgentStanding) -> None:
        try:
            self._listener(standing)
        except Exception:
            log.exception("agent's change was not told", agent=standing.agent.extension)
