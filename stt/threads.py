"""Blocking work in a thread of its own, which nobody has to wait for."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def begin(
    name: str, work: Callable[..., T], *args: object
) -> tuple[threading.Thread, "asyncio.Future[T]"]:
    """Start `work(*args)` in a daemon thread called `name`: the thread, and the result to be.

    A daemon, because a pool's thread that is stuck keeps the process from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not done.done():
            outcome()

    def run() -> None:
        outcome: Callable[[], None]
        try:
            result = work(*args)
            outcome = lambda: done.set_result(result)  # noqa: E731
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the result
            failure = error
            outcome = lambda: done.set_exception(failure)  # noqa: E731
        with contextlib.suppress(RuntimeError):  # the event loop has ended: nobody waits
            loop.call_soon_threadsafe(settle, outcome)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread, done


async def in_thread(name: str, deadline: float, work: Callable[..., T], *args: object) -> T:
    """The result of `work(*args)`, run in a thread of its own.

    After `deadline` seconds, or when the caller is cancelled, the thread is left to itself.

    Raises:
        TimeoutError: the deadline passed.
        Exception: whatever `work` raised.
    """
    _, done = begin(name, work, *args)
    async with asyncio.timeout(deadline):
        return await done
