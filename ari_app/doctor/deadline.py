"""Blocking looks at the machine, each with a deadline."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(look: Callable[[], T], seconds: float) -> T:
    """Run `look` in a thread of its own, which is left behind when it is late: a network disk that
    hangs must not keep the doctor from telling so.

    Raises:
        TimeoutError: it took more than `seconds`.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failed = None, None
        try:
            result = look()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            failed = error
        with contextlib.suppress(RuntimeError):  # the doctor has gone home
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name=f"doctor-{look}", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await outcome
