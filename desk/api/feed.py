"""One reader of the timeline for all clients of the event stream, and events of the moment.

The newest entries stay in memory, so a commit costs one read however many clients listen, and
none while nobody does. A client that is further behind reads the database until it has caught up.
Entries have `seq` numbers without gaps, so nobody misses or repeats one.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import structlog

from desk.api.passing import Mailbox, Passing
from desk.db.commits import Subscription
from desk.db.engine import Database
from desk.errors import DeskError
from desk.timeline import Entry, entries_after, last_seq

log = structlog.get_logger()

KEPT = 2000
CHUNK = 200
POLL_SECONDS = 2.0  # finds commits of other processes where they are not announced
PAUSE_SECONDS = 1.0


class FeedFull(Exception):  # noqa: N818 - a state
    """All places for clients are taken."""


class Feed:
    """The end of the timeline, as it grows."""

    def __init__(self, db: Database, most_clients: int) -> None:
        self._db = db
        self._most_clients = most_clients
        self._kept: deque[Entry] = deque(maxlen=KEPT)
        self._last: int | None = None  # not known while nobody listens
        self._commits: Subscription | None = None
        self._news = asyncio.Event()
        self._mailboxes: set[Mailbox] = set()
        self._clients = 0
        self._closed = False

    @property
    def clients(self) -> int:
        """How many listen."""
        return self._clients

    @property
    def open(self) -> bool:
        """Clients are served."""
        return not self._closed

    def close(self) -> None:
        """End every client's stream: the server is about to stop."""
        self._closed = True
        self._tell()

    def publish(self, kind: str, call_id: str | None, body: Mapping[str, Any]) -> None:
        """Tell who listens now of something that is not in the timeline; see `Passing`. It never
        waits, and does nothing while nobody listens. To be called in the event loop's thread.
        """
        if self._mailboxes:
            event = Passing(kind, call_id, body)
            for mailbox in self._mailboxes:
                mailbox.put(event)
            self._tell()

    async def run(self) -> None:
        """Follow the timeline until cancelled."""
        try:
            await self._follow()
        except Exception:
            log.exception("event stream ended")
            self.close()
            raise

    async def _follow(self) -> None:
        with self._db.subscribe() as self._commits:
            while True:
                try:
                    await self._look()
                except DeskError as error:
                    log.warning("event stream waits for the database", error=str(error))
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                await self._commits.wait(POLL_SECONDS)

    async def _look(self) -> None:
        """Read what is new, if anybody listens."""
        if not self._clients:
            self._last = None
            self._kept.clear()
        elif self._last is None:
            self._last = await self._db.read(last_seq)
            self._tell()
        else:
            await self._catch_up()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take one of the clients' places.

        Raises:
            FeedFull: there is none.
        """
        if self._clients >= self._most_clients:
            raise FeedFull
        self._clients += 1
        if self._commits is not None:
            self._commits.wake()  # the first one to listen
        try:
            yield
        finally:
            self._clients -= 1

    async def entries(
        self, after: int | None, heartbeat: float
    ) -> AsyncGenerator[list[Entry | Passing], None]:
        """Entries after `after` (None: from now on) and passing events as they come. An empty list
        as soon as it is known where to begin (nothing is missed from then on), and when nothing
        came for `heartbeat` seconds. Ends when the server stops.
        """
        mailbox = Mailbox()
        self._mailboxes.add(mailbox)
        try:
            position = await self._known(after)
            if position is not None:
                yield []
            while not self._closed:
                if mailbox:
                    yield [*mailbox.take()]
                news, last = self._news, self._last
                if position is None and last is not None:
                    position = last
                    yield []
                elif last is not None and position is not None and position < last:
                    if chunk := await self._chunk(position):
                        position = chunk[-1].seq
                        yield [*chunk]
                elif not mailbox and not await _within(heartbeat, news):
                    yield []
        finally:
            self._mailboxes.discard(mailbox)

    async def _known(self, after: int | None) -> int | None:
        """`after`, or None if it is not of this database. It may be newer than what we have read:
        the client may have heard of it from another process.
        """
        if after is None or after <= (self._last or 0):
            return after
        return after if after <= await self._db.read(last_seq) else None

    async def _catch_up(self) -> None:
        while entries := await self._db.read(entries_after, self._last or 0, CHUNK):
            self._kept.extend(entries)
            self._last = entries[-1].seq
            self._tell()

    async def _chunk(self, position: int) -> list[Entry]:
        kept = self._kept
        if kept and kept[0].seq <= position + 1:
            first = position + 1 - kept[0].seq
            return list(islice(kept, first, first + CHUNK))
        return await self._db.read(entries_after, position, CHUNK)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _within(seconds: float, news: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True
