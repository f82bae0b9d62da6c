"""Blocking work in a thread of its own, which nobody has to wait for."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(name: str, deadline: float, work: Callable[..., T], *args: object) -> T:
    """The result of `work(*args)`, run in a daemon thread called `name`.

    After `deadline` seconds, or when the caller is cancelled, the thread is left to itself and
    its result dropped; a pool's thread would keep the process from ending.

    Raises:
        TimeoutError: the deadline passed.
        Exception: whatever `work` raised.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = work(*args)
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            failure = error
        with contextlib.suppress(RuntimeError):  # the event loop has ended: nobody waits
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    async with asyncio.timeout(deadline):
        return await done
