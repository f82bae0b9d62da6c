"""Tells listeners that something was committed that the timeline shows.

A subscription is a hint, never the news itself: whoever is woken reads what is new from the
timeline, so a hint that comes twice, late or for nothing does no harm. Other processes are heard
through PostgreSQL's NOTIFY; on SQLite, and as a safety net, `wait` returns after a while anyway.
"""

import asyncio
from types import TracebackType
from typing import Self


class Commits:
    """Wakes every open subscription. Lives in one event loop."""

    def __init__(self) -> None:
        self._open: set[Subscription] = set()

    def subscribe(self) -> "Subscription":
        """A subscription that misses nothing from now on. Close it, or use it with `with`."""
        subscription = Subscription(self._open)
        self._open.add(subscription)
        return subscription

    def announce(self) -> None:
        """Wake every subscription. Call it in the event loop's thread."""
        for subscription in self._open:
            subscription.wake()


class Subscription:
    """Wakes its one owner after commits that appended to the timeline."""

    def __init__(self, register: "set[Subscription]") -> None:
        self._register = register
        self._advanced = asyncio.Event()

    def wake(self) -> None:
        """End the present or the next `wait` at once."""
        self._advanced.set()

    async def wait(self, seconds: float) -> bool:
        """True as soon as there was a commit since the last `wait`; False after `seconds`.

        Look into the timeline in either case: commits of other processes may come unannounced.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._advanced.wait()
        except TimeoutError:
            return False
        self._advanced.clear()
        return True

    def close(self) -> None:
        """Stop being woken."""
        self._register.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
