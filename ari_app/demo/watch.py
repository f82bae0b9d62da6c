"""Following a line's timeline: telling what happens, and waiting for it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ari_app.demo.errors import StoryStrayedError
from ari_app.demo.lines import DemoLine
from desk import timeline
from desk.timeline import Entry

LOOK_SECONDS = 0.2
PAGE = 200
R = TypeVar("R")


@dataclass(frozen=True)
class Audience:
    """Who is told: `chapter` before each part of a story, `entry` as each is written."""

    chapter: Callable[[str], None]
    entry: Callable[[Entry], None]


@dataclass
class Watch:
    """The timeline of a line that nobody else uses, as far as it has come.

    `waiting_for` is what the story waits for: where it stands if it ends too early.
    """

    line: DemoLine
    audience: Audience
    waiting_for: str = "the line to begin"
    entries: list[Entry] = field(default_factory=list)

    async def chapter(self, name: str) -> None:
        """Begin a part of the story; what happened before is told first."""
        await self._look()
        self.audience.chapter(name)

    async def during(self, what: str, work: Coroutine[Any, Any, R]) -> R:
        """Do `work`, and tell what happens meanwhile."""
        self.waiting_for = what
        task = asyncio.create_task(work, name=what)
        try:
            with self.line.db.subscribe() as commits:
                while not task.done():
                    await self._look()
                    await commits.wait(LOOK_SECONDS)
        finally:
            task.cancel()
        await self._look()
        return task.result()

    async def until(
        self,
        what: str,
        kind: str,
        *,
        after: Entry | None = None,
        strays: tuple[str, ...] = (),
        **body: Any,
    ) -> Entry:
        """The first entry of this kind after `after` whose body, or whose `call_id`, says so.

        Raises:
            StoryStrayedError: an entry of the kinds `strays` came instead.
        """
        self.waiting_for = what
        begins = after.seq if after is not None else 0
        with self.line.db.subscribe() as commits:
            while True:
                for entry in self.entries:
                    if entry.seq > begins and entry.kind in strays:
                        raise StoryStrayedError(what, entry.kind, entry.body or {})
                    if entry.seq > begins and entry.kind == kind and _says(entry, body):
                        return entry
                if not await self._look():
                    await commits.wait(LOOK_SECONDS)

    def last(self, kind: str) -> Entry:
        """The newest entry of this kind; it has been waited for."""
        return next(entry for entry in reversed(self.entries) if entry.kind == kind)

    async def _look(self) -> bool:
        seen = self.entries[-1].seq if self.entries else 0
        found = await self.line.db.read(timeline.entries_after, seen, PAGE)
        for entry in found:
            self.entries.append(entry)
            self.audience.entry(entry)
        return bool(found)


def _says(entry: Entry, wanted: dict[str, Any]) -> bool:
    body = {**(entry.body or {}), "call_id": entry.call_id}
    return all(body.get(name) == value for name, value in wanted.items())
