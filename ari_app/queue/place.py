"""One caller's place in the line, as the call's coroutine holds it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from ari_app.queue.agent import Agent
from ari_app.queue.match import Asking
from ari_app.queue.need import Waiting
from ari_app.queue.relax import Widening
from ari_app.queue.roster import Roster


class Line(Protocol):
    """What a place needs of its queue."""

    roster: Roster
    now: Callable[[], datetime]

    def stir(self) -> None:
        """Look soon who can get whom."""

    def leave(self, place: "Place") -> None:
        """Take the place out of the line."""

    def position(self, place: "Place") -> int:
        """See `Place.position`."""

    def expected_wait(self, place: "Place") -> float | None:
        """See `Place.expected_wait`."""


class Place:
    """A caller in the line. `with queue.join(waiting) as place:` leaves it at the end of the block,
    however that ends; an agent whose phone still rings for this caller is then ready again."""

    def __init__(self, queue: Line, waiting: Waiting, widening: Widening, avoid: float) -> None:
        """`avoid`: for how many seconds an agent who did not answer is not offered again."""
        self.waiting = waiting
        self.offered: Agent | None = None  # whose phone rings for this caller
        self.widening = widening
        self.avoids: dict[str, datetime] = {}  # extension → until when
        self._queue = queue
        self._avoid = timedelta(seconds=avoid)
        self._answer: asyncio.Future[Agent | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Leave the line now; a second time does nothing."""
        self._take_back()
        self._queue.leave(self)

    @property
    def position(self) -> int:
        """1-based: one more than the callers before this one who wait for the same agents."""
        return self._queue.position(self)

    @property
    def expected_wait(self) -> float | None:
        """Seconds until an agent can be expected; None where that is not known."""
        return self._queue.expected_wait(self)

    @property
    def has_agents(self) -> bool:
        """Whether somebody could serve this caller, now or as the rule widens, who is not away and
        has not failed to answer `unanswered_rings` times in a row. If not, waiting leads nowhere
        unless an agent comes back."""
        return not self.widening.widest.isdisjoint(self._queue.roster.hoped_for())

    async def offer(self, deadline: float) -> Agent | None:
        """Wait up to `deadline` seconds for an agent, who is RINGING for this caller from then on;
        None: none came free. Only a caller who waits here is given an agent.

        Cancelling it is safe: an agent given in that very moment is ready again.
        """
        if self._answer is not None or self.offered is not None:
            raise RuntimeError(f"call {self.waiting.id}: an offer is under way already")
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        timer = loop.call_later(max(0.0, deadline), self.give, None)
        self._queue.stir()
        try:
            return await self._answer
        except asyncio.CancelledError:
            self._take_back()
            raise
        finally:
            timer.cancel()
            self._answer = None

    def declined(self, why: str) -> None:
        """The agent offered did not answer: `no_answer`, `rejected`, `busy` or `unreachable`. The
        next offers go elsewhere for a while."""
        agent, self.offered = self.offered, None
        if agent is None:
            return
        now = self._queue.now()
        self.avoids[agent.extension] = now + self._avoid
        self._queue.roster.declined(agent.extension, self.waiting.id, why, now)
        self._queue.stir()

    def answered(self) -> None:
        """The agent offered talks to this caller, whose wait is over."""
        agent, self.offered = self.offered, None
        if agent is None:
            raise RuntimeError(f"call {self.waiting.id}: no agent rings who could answer")
        self._queue.roster.busy(agent.extension, self.waiting.id, self._queue.now())
        self._queue.leave(self)

    # what the queue asks and does

    @property
    def asks(self) -> bool:
        """Whether the caller waits for an agent right now."""
        return self._answer is not None and not self._answer.done()

    def give(self, agent: Agent | None) -> None:
        """The offer's outcome."""
        if self._answer is not None and not self._answer.done():
            self.offered = agent
            self._answer.set_result(agent)

    def asking(self, now: datetime) -> Asking:
        """As `match` sees this caller; who was avoided long enough is forgotten."""
        self.avoids = {e: until for e, until in self.avoids.items() if until > now}
        return Asking(self.waiting, self.widening, frozenset(self.avoids))

    def due(self, now: datetime) -> datetime | None:
        """When other agents may serve this caller than now, if nothing else happens."""
        waited = (now - self.waiting.since).total_seconds()
        step = self.widening.next_step(waited)
        times = [until for until in self.avoids.values() if until > now]
        if step is not None:
            times.append(self.waiting.since + timedelta(seconds=step))
        return min(times, default=None)

    def _take_back(self) -> None:
        agent, self.offered = self.offered, None
        if agent is not None:
            self._queue.roster.release(agent.extension, self.waiting.id, self._queue.now())
            self._queue.stir()
