"""Delivery to one target: take what is due, push it, record what it came to.

What is due lives in the database, so a restart forgets nothing. Every push is claimed first, for
the time it may take and `LEASE_MARGIN_SECONDS`: another process leaves it alone meanwhile. An entry
whose push was under way when we died is pushed again after that time, with the same id.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from crm_bridge import metrics
from crm_bridge.connectors import Connector
from crm_bridge.outcome import Accepted, Gone, Outcome, Unavailable
from crm_bridge.policy import Dead, Decision, Draw, asked, backoff, decide
from crm_bridge.settings import BridgeSettings
from crm_bridge.turn import Claim, Settled, claimant_name, turn
from desk import outbox
from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.outbox import Delivery

log = logging.getLogger(__name__)
Clock: TypeAlias = Callable[[], datetime]

GATHER_SECONDS = 0.05
"""Entries of one moment are taken together: a call makes several at a time."""
LOOK_SECONDS = 30.0
"""Longest time without a look: other processes' commits may come unannounced."""
BUSY_LOOK_SECONDS = 1.0
"""The same while entries are under way, here or in another process: they hide when others are
due."""
LEASE_MARGIN_SECONDS = 10.0
"""How much longer a claim lasts than its push may take: time to record what it came to."""
_DEADLINE_MARGIN_SECONDS = 1.0


class State(StrEnum):
    """How a target is doing."""

    WORKING = "working"
    ON_HOLD = "on hold"
    DISABLED = "disabled"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target as its worker sees it. `error`: the last one, empty while all is well."""

    name: str
    state: State
    error: str
    in_flight: int
    held_until: datetime | None


class TargetWorker:
    """This process's deliverer of one target."""

    def __init__(
        self,
        db: Database,
        name: str,
        connector: Connector,
        settings: BridgeSettings,
        clock: Clock,
        draw: Draw = random.random,
        kinds: Sequence[str] = outbox.EVERYTHING,
    ) -> None:
        self.name = name
        self._kinds = tuple(kinds)
        self._claimant = claimant_name()
        self._claimed: set[int] = set()
        self._db = db
        self._connector = connector
        self._settings = settings
        self._clock = clock
        self._draw = draw
        self._news = db.subscribe()
        self._pushes: dict[int, asyncio.Task[None]] = {}
        self._settled: list[Settled] = []
        self._failures = 0
        self._database_failures = 0
        self._held_until: datetime | None = None
        self._state = State.WORKING
        self._error = ""
        self._stopping = False

    @property
    def status(self) -> TargetStatus:
        """How the target is doing."""
        return TargetStatus(
            self.name, self._state, self._error, len(self._pushes), self._held_until
        )

    async def run(self) -> None:
        """Deliver until `stop`. Raises DatabaseError if the database is gone for good."""
        metrics.WORKING.labels(self.name).set(1)
        try:
            async with asyncio.TaskGroup() as group:
                while not self._stopping:
                    await self._news.wait(await self._deliver(group))
                    if not self._stopping:
                        await asyncio.sleep(GATHER_SECONDS)
            await self._give_back()
        finally:
            self._state = State.STOPPED
            self._news.close()

    def stop(self) -> None:
        """Begin no further push; `run` ends when those under way have ended."""
        self._stopping = True
        self._news.wake()

    def abandon(self) -> None:
        """Cut off the pushes that are under way: their entries are due again."""
        for push in self._pushes.values():
            push.cancel()

    async def _deliver(self, group: asyncio.TaskGroup) -> float:
        """One turn; returns how long nothing needs to be done unless something happens."""
        room = self._room()
        if room == 0 and not self._settled:
            return self._pause()
        try:
            due, next_at = await self._record(room)
        except DatabaseError as error:
            if not error.retryable:
                raise
            self._database_failures += 1
            log.warning("target %s waits for the database: %s", self.name, error)
            return backoff(self._database_failures, self._settings, self._draw)
        self._database_failures = 0
        for delivery in due:
            push = group.create_task(
                self._push(delivery), name=f"bridge-{self.name}-{delivery.seq}"
            )
            self._pushes[delivery.id] = push
        metrics.IN_FLIGHT.labels(self.name).set(len(self._pushes))
        return self._pause(next_at)

    async def _record(self, room: int) -> tuple[list[Delivery], datetime | None]:
        settled, self._settled = self._settled, []
        now = self._clock()
        claim = Claim(self._claimant, now + timedelta(seconds=self._lease_seconds), room)
        try:
            taken, next_at = await self._db.write(turn, self.name, self._kinds, settled, claim, now)
        except BaseException:
            self._settled = settled + self._settled
            raise
        self._claimed -= {one.delivery.id for one in settled}
        self._claimed |= {delivery.id for delivery in taken}
        if next_at is not None and next_at <= now and not taken:
            # Due, and not to be had: another process is sending it, or what goes before it.
            next_at = now + timedelta(seconds=BUSY_LOOK_SECONDS)
        return taken, next_at

    async def _give_back(self) -> None:
        """Record what is left, and let others have what was claimed and cut off."""
        try:
            if self._settled:
                await self._record(0)
            if self._claimed:
                await self._db.write(outbox.release, self.name, self._claimant)
        except DatabaseError as error:
            log.warning("target %s: its last pushes are not recorded: %s", self.name, error)

    @property
    def _push_seconds(self) -> float:
        return self._connector.deadline_seconds + _DEADLINE_MARGIN_SECONDS

    @property
    def _lease_seconds(self) -> float:
        return self._push_seconds + LEASE_MARGIN_SECONDS

    def _room(self) -> int:
        """How many pushes may begin: none on hold; one, to see whether it is over; else all."""
        if self._state is State.DISABLED or self._stopping:
            return 0
        if self._held_until is not None:
            return 0 if self._pushes or self._clock() < self._held_until else 1
        return self._settings.in_flight - len(self._pushes)

    def _pause(self, next_at: datetime | None = None) -> float:
        if self._state is State.DISABLED:
            return LOOK_SECONDS
        if self._pushes:
            return BUSY_LOOK_SECONDS
        now = self._clock()
        if self._held_until is not None and now < self._held_until:
            next_at = self._held_until
        if next_at is None:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(0.0, (next_at - now).total_seconds()))

    async def _push(self, delivery: Delivery) -> None:
        try:
            outcome = await self._outcome(delivery)
            self._settle(delivery, outcome)
        finally:
            del self._pushes[delivery.id]
            metrics.IN_FLIGHT.labels(self.name).set(len(self._pushes))
            self._news.wake()

    async def _outcome(self, delivery: Delivery) -> Outcome:
        limit = self._push_seconds
        try:
            async with asyncio.timeout(limit):
                return await self._connector.push(delivery, self._clock())
        except TimeoutError:
            return Unavailable(f"no answer within {limit:g} s")
        except Exception as error:
            log.exception("connector of %s failed on entry %s", self.name, delivery.seq)
            return Unavailable(f"{type(error).__name__}: {error}")

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        now = self._clock()
        decision = decide(
            outcome,
            attempts=delivery.attempts,
            since=delivery.at,
            now=now,
            settings=self._settings,
            draw=self._draw,
        )
        self._settled.append(Settled(delivery, decision))
        self._hold(outcome, now)
        self._note(delivery, outcome, decision, now)

    def _hold(self, outcome: Outcome, now: datetime) -> None:
        if not isinstance(outcome, Unavailable):
            self._failures, self._held_until = 0, None
        elif self._held_until is None or now >= self._held_until:
            self._failures += 1
            wait = max(backoff(self._failures, self._settings, self._draw), asked(outcome))
            self._held_until = now + timedelta(seconds=wait)
        else:
            # It was sent before the hold began: the same trouble, seen once more.
            self._held_until = max(self._held_until, now + timedelta(seconds=asked(outcome)))

    def _note(
        self, delivery: Delivery, outcome: Outcome, decision: Decision, now: datetime
    ) -> None:
        metrics.PUSHES.labels(self.name, type(outcome).__name__.lower()).inc()
        where = f"target {self.name}, entry {delivery.seq} ({delivery.key})"
        if isinstance(outcome, Accepted):
            metrics.LAG.labels(self.name).observe((now - delivery.at).total_seconds())
        elif isinstance(decision, Dead):
            metrics.DEAD_LETTERS.labels(self.name).inc()
            log.error(
                "%s is a dead letter: %s; `huisheng bridge replay` sends it again",
                where,
                decision.error,
            )
        elif isinstance(outcome, Gone):
            log.error(
                "%s: %s; nothing more is sent there until a restart. "
                "Correct its url in config.yaml or take the target out",
                where,
                outcome.error,
            )
        else:
            log.warning("%s did not arrive: %s", where, outcome.error)
        self._error = "" if isinstance(outcome, Accepted) else outcome.error
        if isinstance(outcome, Gone):
            self._state = State.DISABLED
        elif self._state is not State.DISABLED:
            self._state = State.WORKING if self._held_until is None else State.ON_HOLD
        metrics.WORKING.labels(self.name).set(self._state is State.WORKING)
