"""A bounded queue that is read with `async for` and ends with the client."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from ari_app.ari.errors import AriError, Closed

T = TypeVar("T")


class Inbox(Generic[T]):
    """First in, first out, at most `bound`; what does not fit is refused, not waited for."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._queue: deque[T] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: AriError | None = None

    def put(self, item: T) -> bool:
        """Take an item in. False: the inbox is full."""
        if len(self._queue) >= self._bound:
            return False
        self._queue.append(item)
        self._wake()
        return True

    def end(self, error: AriError) -> None:
        """Nothing follows. `Closed` ends the iteration, anything else is raised by it."""
        if self._error is None:
            self._error = error
            self._wake()

    def __len__(self) -> int:
        return len(self._queue)

    def __aiter__(self) -> "Inbox[T]":
        return self

    async def __anext__(self) -> T:
        while not self._queue:
            if self._error is not None:
                if isinstance(self._error, Closed):
                    raise StopAsyncIteration
                raise self._error
            if self._waiter is not None:
                raise RuntimeError("two coroutines read one inbox; let one read and hand on")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
