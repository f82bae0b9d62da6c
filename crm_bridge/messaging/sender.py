"""The worker of a channel: takes messages that are due, has them carried, records what became of
them. Any number of processes may run one: each message is claimed before it is sent.
"""

import asyncio
import logging
import random
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection

from crm_bridge import metrics
from crm_bridge.messaging.provider import Provider
from crm_bridge.policy import Draw
from crm_bridge.turn import claimant_name
from crm_bridge.worker import BUSY_LOOK_SECONDS, LOOK_SECONDS, Clock
from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.messages import Channel, Message, MessageSettings, State
from desk.messages.sending import Result, Unknown, claim, next_due_at, release, settle

log = logging.getLogger(__name__)

LEASE_MARGIN_SECONDS = 20.0
"""How much longer a claim lasts than the attempt may take: time to record what it came to."""
GATHER_SECONDS = 0.2
"""Commits come in bursts, and few of them bring a message; one look serves a burst."""
_DEADLINE_MARGIN_SECONDS = 1.0
_DATABASE_SECONDS = 5.0


class Sender:
    """This process's sender of one channel.

    Where the database does not answer after messages were sent, what came of them is kept and
    recorded later, in time or not: once the claim is over an SMS counts as sent anyway.
    """

    def __init__(
        self,
        db: Database,
        channel: Channel,
        provider: Provider,
        settings: MessageSettings,
        tz: tzinfo,
        clock: Clock,
        *,
        in_flight: int = 8,
        draw: Draw = random.random,
    ) -> None:
        """Args:
        tz: in which quiet hours and days are meant.
        clock, draw: time and chance, for tests.
        """
        self.channel = channel
        self._db = db
        self._provider = provider
        self._settings = settings
        self._tz = tz
        self._clock = clock
        self._in_flight = in_flight
        self._draw = draw
        self._claimant = claimant_name()
        self._settled: list[tuple[Message, Result, datetime]] = []
        self._news = db.subscribe()
        self._stopping = False

    async def run(self) -> None:
        """Send until `stop`. Raises DatabaseError if the database is gone for good."""
        try:
            while not self._stopping:
                try:
                    seconds = await self.turn()
                except DatabaseError as error:
                    if not error.retryable:
                        raise
                    log.warning("sending %s waits for the database: %s", self.channel, error)
                    seconds = _DATABASE_SECONDS
                if not self._stopping and await self._news.wait(seconds):
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            self._news.close()

    def stop(self) -> None:
        """Take no further message; `run` ends when those under way have been recorded."""
        self._stopping = True
        self._news.wake()

    async def turn(self) -> float:
        """Send what is due; returns for how many seconds there is nothing to do."""
        while True:
            taken, next_at = await self._take()
            if not taken:
                break
            await self._send_all(taken)
        now = self._clock()
        if next_at is None:
            return LOOK_SECONDS
        # Due, and not to be had: another process is at it.
        return min(LOOK_SECONDS, max(BUSY_LOOK_SECONDS, (next_at - now).total_seconds()))

    async def _take(self) -> tuple[list[Message], datetime | None]:
        if self._stopping:
            await self._db.write(self._record, self._settled)
            self._settled = []
            return [], None
        now = self._clock()
        if not self._settled:  # most commits bring no message: they cost a reading, and no write
            next_at = await self._db.read(next_due_at, self.channel)
            if next_at is None or next_at > now:
                return [], next_at
        until = now + timedelta(seconds=self._attempt_seconds + LEASE_MARGIN_SECONDS)
        found = await self._db.write(self._work, self._settled, now, until)
        self._settled = []
        return found

    async def _send_all(self, taken: list[Message]) -> None:
        """One attempt for each. What was cut off before it began is given back; an attempt that
        was cut off in the middle nobody knows of, and its claim runs out."""
        begun: set[int] = set()
        try:
            async with asyncio.TaskGroup() as group:
                for message in taken:
                    group.create_task(
                        self._send(message, begun), name=f"{self.channel}-{message.id}"
                    )
        except BaseException:
            left = [message for message in taken if message.id not in begun]
            if left or self._settled:
                settled, self._settled = self._settled, []
                await asyncio.shield(self._db.write(self._give_back, left, settled))
            raise
        settled, self._settled = self._settled, []
        try:
            await self._db.write(self._record, settled)
        except BaseException:
            self._settled = settled
            raise

    async def _send(self, message: Message, begun: set[int]) -> None:
        begun.add(message.id)
        try:
            async with asyncio.timeout(self._attempt_seconds):
                result = await self._provider.send(message)
        except TimeoutError:
            result = Unknown(f"no answer within {self._attempt_seconds:g} s")
        except Exception as error:
            log.exception("provider %s failed on message %s", self._provider.name, message.id)
            result = Unknown(f"{type(error).__name__}: {error}")
        self._settled.append((message, result, self._clock()))
        metrics.MESSAGES.labels(self.channel.value, type(result).__name__.lower()).inc()

    def _work(
        self,
        db: Connection,
        settled: list[tuple[Message, Result, datetime]],
        now: datetime,
        until: datetime,
    ) -> tuple[list[Message], datetime | None]:
        self._record(db, settled)
        taken = claim(
            db, self.channel, self._claimant, now, until, self._in_flight, self._settings, self._tz
        )
        return taken, None if taken else next_due_at(db, self.channel)

    def _record(
        self, db: Connection, settled: list[tuple[Message, Result, datetime]]
    ) -> list[State | None]:
        return [
            settle(
                db, message, self._claimant, self._provider.name, result, at, self._settings,
                self._draw(),
            )
            for message, result, at in settled
        ]  # fmt: skip

    def _give_back(
        self,
        db: Connection,
        left: list[Message],
        settled: list[tuple[Message, Result, datetime]],
    ) -> None:
        self._record(db, settled)
        release(db, left, self._claimant)

    @property
    def _attempt_seconds(self) -> float:
        return self._provider.deadline_seconds + _DEADLINE_MARGIN_SECONDS
