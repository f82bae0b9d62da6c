"""Blocking work in threads of our own, which nobody has to wait for.

They are daemons: a pool's thread that is stuck in a recogniser keeps the process from ending.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class _Hand(threading.Thread):
    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(self) -> None:
        while (job := self.inbox.get()) is not None:
            job()


class Hands:
    """Threads that are kept for the next piece of work: a fresh one costs a recogniser 5 % more
    (its memory is new to it). As many as there is work at a time; whoever gives it bounds that.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[_Hand] = []
        self._all: set[_Hand] = set()
        self._closed = False

    def begin(self, work: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        """Start `work(*args)` in a thread at once: the result to be. To be called in the loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        hand = self._idle.pop() if self._idle else self._new()

        def job() -> None:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = work(*args)
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the result
                failure = error
            with contextlib.suppress(RuntimeError):  # the event loop has ended: nobody waits
                loop.call_soon_threadsafe(self._back, hand, done, result, failure)

        hand.inbox.put(job)
        return done

    async def aclose(self, deadline: float) -> None:
        """End the threads, each after its work; one that is still busy then is left behind."""
        self._closed = True
        for hand in self._idle:
            hand.inbox.put(None)
        self._idle.clear()
        ends = time.monotonic() + deadline
        for hand in list(self._all):
            await asyncio.to_thread(hand.join, max(0.0, ends - time.monotonic()))
        self._all.clear()

    def _new(self) -> _Hand:
        hand = _Hand(f"{self._name} {len(self._all) + 1}")
        self._all.add(hand)
        hand.start()
        return hand

    def _back(
        self,
        hand: _Hand,
        done: "asyncio.Future[Any]",
        result: Any,
        failure: BaseException | None,
    ) -> None:
        if self._closed:
            hand.inbox.put(None)
        else:
            self._idle.append(hand)
        if done.done():
            return
        if failure is None:
            done.set_result(result)
        else:
            done.set_exception(failure)


async def in_thread(name: str, deadline: float, work: Callable[..., T], *args: object) -> T:
    """The result of `work(*args)`, run in a thread of its own.

    After `deadline` seconds, or when the caller is cancelled, the thread is left to itself.

    Raises:
        TimeoutError: the deadline passed.
        Exception: whatever `work` raised.
    """
    hands = Hands(name)
    try:
        async with asyncio.timeout(deadline):
            return await hands.begin(work, *args)
    finally:
        await hands.aclose(0.0)
