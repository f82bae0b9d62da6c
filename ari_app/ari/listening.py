"""Listeners: who hears which events of which channel, in the order in which they arrived.

`Events` is a queue for a coroutine, `Subscription` a plain call for those who count microseconds.
Both are in place from `with …listen(…)` on, so the request that causes an event goes out after.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from ari_app.ari.decoding import concrete
from ari_app.ari.errors import AriError
from ari_app.ari.events import Event

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Event)
BOUND = 256


class Listener(Protocol):
    """What a route tells its events to."""

    def put(self, event: Event) -> None:
        """One event, in order. Must not raise and must not wait."""

    def gone(self, ident: str, error: AriError) -> None:
        """One of its channels or bridges is gone."""

    def end(self, error: AriError) -> None:
        """Nothing follows: all of them are gone, or the client has ended."""


class Places(Protocol):
    """Where listeners are registered (the client's exchange)."""

    def add(self, listener: Listener, channels: Iterable[str], bridges: Iterable[str]) -> None:
        """Tell `listener` the events of these channels and bridges; of everything if none."""

    def remove(self, listener: Listener, channels: Iterable[str], bridges: Iterable[str]) -> None:
        """Stop telling it."""


@lru_cache(maxsize=1024)
def wanted(types: tuple[type[Event], ...]) -> frozenset[type[Event]] | None:
    """The exact classes that count for `types` (bases stand for all under them); None: all."""
    if not types or Event in types:
        return None
    return frozenset(kind for base in types for kind in concrete(base))


class _Registered:
    """What both kinds of listener share.

    `until` are the channels and bridges whose going ends the listener: when the last of them is
    gone, nothing that was asked for can follow.
    """

    __slots__ = ("_bridges", "_channels", "_places", "_types", "_until")

    def __init__(
        self,
        places: Places,
        types: tuple[type[Event], ...],
        channels: tuple[str, ...],
        bridges: tuple[str, ...],
        until: Iterable[str],
    ) -> None:
        self._places = places
        self._types = wanted(types)
        self._channels = channels
        self._bridges = bridges
        self._until = set(until)

    def put(self, event: Event) -> None:
        raise NotImplementedError

    def gone(self, ident: str, error: AriError) -> None:
        """A channel or bridge is gone (the reader calls this)."""
        self._until.discard(ident)
        if not self._until:
            self.end(error)

    def end(self, error: AriError) -> None:
        raise NotImplementedError

    def open(self) -> Self:
        """Listen from now on (what `with` does)."""
        self._places.add(self, self._channels, self._bridges)
        return self

    def close(self) -> None:
        """Stop listening (what the end of `with` does). May be called twice."""
        self._places.remove(self, self._channels, self._bridges)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Events(_Registered, Generic[E]):
    """A bounded queue of the events of one listener, oldest first.

    When it is full the newest event is dropped and counted in `lost` (the events that end a
    channel always get in), and that is logged once per listener.
    """

    __slots__ = ("_bound", "_error", "_queue", "_waiter", "lost")

    def __init__(
        self,
        places: Places,
        types: tuple[type[Event], ...],
        channels: tuple[str, ...],
        bridges: tuple[str, ...],
        until: Iterable[str],
        bound: int = BOUND,
    ) -> None:
        super().__init__(places, types, channels, bridges, until)
        self._queue: deque[E] = deque()
        self._bound = bound
        self._error: AriError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.lost = 0

    def put(self, event: Event) -> None:
        """Take an event in (the reader calls this)."""
        if self._types is not None and type(event) not in self._types:
            return
        if len(self._queue) >= self._bound and not event.final:
            self.lost += 1
            if self.lost == 1:
                log.warning("listener full at %d events; newest dropped: %s", self._bound, event)
            return
        self._queue.append(event)  # type: ignore[arg-type]
        _wake(self._waiter)

    def end(self, error: AriError) -> None:
        """Let `get` raise `error` once the queue is empty."""
        if self._error is None:
            self._error = error
            _wake(self._waiter)

    async def get(self, deadline: float) -> E | None:
        """The next event, or None when none came within `deadline` seconds.

        Raises:
            ChannelGone, BridgeGone: nothing is left, and nothing can follow.
            ApplicationReplaced, Closed: the client has ended.
        """
        if self._queue:
            return self._queue.popleft()
        if self._error is not None:
            raise self._error
        if self._waiter is not None:
            raise RuntimeError("two coroutines wait on one listener; give each its own")
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        timer = loop.call_later(deadline, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None
        if self._queue:
            return self._queue.popleft()
        if self._error is not None:
            raise self._error
        return None

    def waiting(self) -> int:
        """How many events are in the queue."""
        return len(self._queue)


class Subscription(_Registered):
    """Calls a function for every event, inside the reader: it must be quick and not wait.

    An exception in it is logged and counted, and reaches nobody else.
    """

    __slots__ = ("_call", "_ended")

    def __init__(
        self,
        places: Places,
        types: tuple[type[Event], ...],
        channels: tuple[str, ...],
        bridges: tuple[str, ...],
        until: Iterable[str],
        call: Callable[[Event], None],
        ended: Callable[[AriError], None] | None,
    ) -> None:
        super().__init__(places, types, channels, bridges, until)
        self._call = call
        self._ended = ended

    def put(self, event: Event) -> None:
        """Pass an event on (the reader calls this)."""
        if self._types is None or type(event) in self._types:
            self._call(event)

    def end(self, error: AriError) -> None:
        """Pass on that nothing follows."""
        if self._ended is not None:
            self._ended(error)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
