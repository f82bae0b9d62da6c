"""The lease that keeps a caller from waiting for a dead application.

The dialplan sets `TIMEOUT(absolute)` before `Stasis()`; when it runs out, Asterisk takes the
caller back to the dialplan (extension `T`), which serves alone. A living application extends the
lease before each step that may outlast it, by that step's own longest duration: no timer runs per
call, and a frozen process frees its callers after the step it froze in.

Source: Asterisk documentation, function TIMEOUT; measured: setting it restarts the count.
"""

from collections.abc import Awaitable, Callable

MARGIN_SECONDS = 2.0


class Lease:
    """One call's lease. Times are seconds of a monotonic clock, passed in by the line."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float],
        set_timeout: Callable[[int], Awaitable[None]],
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._set_timeout = set_timeout
        self._until = clock() + seconds

    async def cover(self, step_seconds: float, *, whole: bool = False) -> None:
        """Make sure that a step of at most `step_seconds` ends before the lease does; with the
        `whole` lease left then, where a caller waits long and a restart shall not be noticed.
        """
        now = self._clock()
        spare = self._seconds if whole else MARGIN_SECONDS
        if now + step_seconds + spare <= self._until:
            return
        lasts = step_seconds + MARGIN_SECONDS + self._seconds
        await self._set_timeout(int(lasts))
        self._until = now + int(lasts)

    def doubt(self) -> None:
        """A former process has set it: what is left of it is not known, so the next step renews."""
        self._until = self._clock()

    async def suspend(self) -> None:
        """No limit: a talk must not be torn apart by it."""
        await self._set_timeout(0)
        self._until = float("inf")

    async def restore(self) -> None:
        """The ordinary limit again, counted from now."""
        await self._set_timeout(int(self._seconds))
        self._until = self._clock() + self._seconds
