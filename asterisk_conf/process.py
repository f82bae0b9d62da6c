"""A handle on a process that may or may not be our child, safe against reuse of its id."""

import asyncio
import contextlib
import os
import select
import signal


class ProcessHandle:
    """One process, held by a pidfd (pidfd_open(2)): signals reach it or nobody."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError if there is no such process."""
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def alive(self) -> bool:
        """Whether the process runs (a child that ended but was not waited for does not)."""
        return not self._ended()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    async def gone(self, deadline: float) -> bool:
        """Wait until the process has ended, at most `deadline` seconds; whether it has."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        # A descriptor of our own: several may wait, and `close` must not take it from us.
        descriptor = os.dup(self._descriptor)
        try:
            loop.add_reader(descriptor, ended.set)
            async with asyncio.timeout(deadline):
                await ended.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        return True

    def close(self) -> None:
        """Let go of the process, and take a child's exit status so that no zombie stays."""
        if self._ended():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, os.WNOHANG)
        os.close(self._descriptor)

    def _ended(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))
