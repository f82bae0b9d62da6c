"""A recogniser thread, and the small crew of them that never waits for one that is stuck."""

import threading
import time
from collections.abc import Callable

import structlog

from stt.live.outcome import Why
from stt.live.stream import LiveStream, Ready

log = structlog.get_logger()


class Worker(threading.Thread):
    """Takes the next stream that has something to be heard, for one turn, again and again.

    It is a daemon: an engine that never comes back must not keep the process from ending.
    """

    def __init__(
        self, number: int, ready: Ready, note: Callable[[LiveStream, float, float], None]
    ) -> None:
        super().__init__(name=f"stt live {number}", daemon=True)
        self._ready, self._note = ready, note
        self.stream: LiveStream | None = None
        self.turns = 0
        self.given_up = False
        self._seen, self._looks = 0, 0

    def run(self) -> None:
        """Until None comes, or until it comes back from a turn and has been replaced."""
        while not self.given_up and (stream := self._ready.get()) is not None:
            self.turns += 1
            self.stream = stream
            before = time.thread_time()
            seconds = stream.turn()
            self._note(stream, time.thread_time() - before, seconds)
            self.stream = None

    def same_turn(self) -> int:
        """How often in a row this was asked during one and the same turn.

        Asking at equal intervals tells a stuck thread from a process that was frozen: frozen,
        nobody asks.
        """
        self._looks = self._looks + 1 if self.stream and self.turns == self._seen else 0
        self._seen = self.turns
        return self._looks


class Crew:
    """As many threads as were asked for, those replaced that are stuck in an engine.

    At most `most_stuck` threads are given up at a time; beyond that the crew shrinks until one
    comes back.
    """

    def __init__(
        self,
        threads: int,
        ready: Ready,
        note: Callable[[LiveStream, float, float], None],
        most_stuck: int,
    ) -> None:
        self._threads, self._most_stuck = threads, most_stuck
        self._ready, self._note = ready, note
        self._started = 0
        self._at_work: list[Worker] = []
        self._stuck: list[Worker] = []

    @property
    def at_work(self) -> int:
        """Threads that take turns."""
        return len(self._at_work)

    @property
    def stuck(self) -> int:
        """Threads that were given up and have not come back."""
        return len(self._stuck)

    def fill(self) -> None:
        """Start the threads that are missing."""
        self._stuck = [worker for worker in self._stuck if worker.is_alive()]
        allowed = self._threads - max(0, len(self._stuck) - self._most_stuck)
        while len(self._at_work) < allowed:
            self._started += 1
            worker = Worker(self._started, self._ready, self._note)
            self._at_work.append(worker)
            worker.start()

    def look(self, most_looks: int) -> None:
        """Replace the threads that this found in the same turn `most_looks` times in a row."""
        for worker in [one for one in self._at_work if one.same_turn() >= most_looks]:
            worker.given_up = True
            self._at_work.remove(worker)
            self._stuck.append(worker)
            stream = worker.stream
            if stream is not None:
                log.error("recogniser is stuck", engine=stream.engine.name, stuck=self.stuck)
                stream.give_up(Why.STALLED)
        self.fill()

    def stop(self) -> list[Worker]:
        """End the threads after what they are doing; those that may be joined."""
        for _ in self._at_work:
            self._ready.put(None)
        ending, self._at_work = self._at_work, []
        return ending
