"""One inbox for everything that a talk hears of: events of several channels, and commands."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ari_app.ari import AriError, ChannelGone, Client, Event
from ari_app.ari.listening import Subscription

MOST_EVENTS = 256
MOST_COMMANDS = 16


@dataclass(eq=False)
class Command:
    """Something an agent or supervisor wants done in a talk, and where the outcome is told."""

    do: Callable[[Any], Awaitable[None]]
    actor: str
    done: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Mailbox:
    """First in, first out. `with Mailbox(ari) as box: box.follow(channel_id)`.

    When it is full, events that end no channel are dropped and commands are refused.
    """

    def __init__(self, ari: Client) -> None:
        self._ari = ari
        self._items: deque[Event | Command] = deque()
        self._followed: dict[str, Subscription] = {}
        self._error: AriError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def follow(self, channel_id: str) -> None:
        """Hear the events of this channel from now on, until its last one."""
        if channel_id not in self._followed:
            heard = self._ari.on(self._heard, channels=[channel_id], ended=self._ended)
            self._followed[channel_id] = heard
            heard.open()

    def unfollow(self, channel_id: str) -> None:
        """Hear nothing of it any more."""
        heard = self._followed.pop(channel_id, None)
        if heard is not None:
            heard.close()

    def order(self, command: Command) -> bool:
        """Take a command in. False: too many wait already."""
        if sum(isinstance(item, Command) for item in self._items) >= MOST_COMMANDS:
            return False
        self._items.append(command)
        self._wake()
        return True

    async def get(self, deadline: float) -> Event | Command | None:
        """The oldest item, or None when there is none within `deadline` seconds.

        Raises:
            ApplicationReplaced, Closed: the client has ended.
        """
        if not self._items and self._error is None:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(deadline, self._wake)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._items:
            return self._items.popleft()
        if self._error is not None:
            raise self._error
        return None

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(self, *_: object) -> None:
        for channel_id in list(self._followed):
            self.unfollow(channel_id)
        for item in self._items:
            if isinstance(item, Command):
                item.done.cancel("the talk is over")
        self._items.clear()

    def _heard(self, event: Event) -> None:
        if len(self._items) < MOST_EVENTS or event.final:
            self._items.append(event)
            self._wake()

    def _ended(self, error: AriError) -> None:
        if not isinstance(error, ChannelGone):  # whose last event is in the box
            self._error = error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
