"""One caller's call: what is known of it, and how its coroutine hears what happens to it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ari_app.ari import Channel, ChannelGone, Event, Events
from ari_app.calls.lease import Lease
from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import Choice
from desk.customers import Customer
from desk.recordings import NewRecording
from desk.region import Caller

ENDING_SECONDS = 0.5


class Stage(StrEnum):
    """Where a call is. The journal holds the last one entered; recovery re-enters it."""

    WELCOME = "welcome"  # who is it, from where; answer
    MENU = "menu"  # the IVR
    CONNECT = "connect"  # agents' phones ring
    TALK = "talk"  # caller and agent in a bridge
    MESSAGE = "message"  # the caller tells the matter after the tone
    WRAP_UP = "wrap_up"  # the caller is gone or served: ticket, end of the journal
    ENDED = "ended"


class HungUp(Exception):  # noqa: N818 - not an error: a caller may hang up at any time
    """The caller's channel has left us. Raised wherever a stage waits, caught in `serve` only."""

    def __init__(self, call_id: str) -> None:
        super().__init__(f"call {call_id}: the caller is gone")


@dataclass(eq=False)
class Call:
    """A call in progress. `id` is Asterisk's id of the caller's channel."""

    id: str
    channel: Channel
    events: Events[Event]  # everything that happens to the channel, in order
    caller_id: str  # as the trunk sent it; for look-up and the desk, never for a log
    dialled: str
    menus: MenuTree  # in force when the call came: a reload does not change them
    lease: Lease
    stage: Stage = Stage.WELCOME
    state: dict[str, Any] = field(default_factory=dict)  # what re-entering the stage needs
    caller: Caller | None = None
    customers: tuple[Customer, ...] = ()
    choice: Choice | None = None  # the last choice in the menu that says what the matter is
    message: NewRecording | None = None  # what the caller told after the tone
    ticket_id: int | None = None
    served: bool = False  # the caller got what the menu offered: a talk, an answer, a message
    end_cause: str = "completed"
    journaled: bool = False  # the desk knows this call
    unwritten: deque[Callable[..., Any]] = field(default_factory=deque)
    writer: asyncio.Task[None] | None = None

    async def next_event(self, deadline: float) -> Event | None:
        """The next event of the caller's channel, None if there is none for `deadline` seconds.

        Raises:
            HungUp: the channel is gone.
        """
        try:
            event = await self.events.get(deadline)
        except ChannelGone as error:
            raise HungUp(self.id) from error
        if event is not None and event.final:
            raise HungUp(self.id)
        return event

    async def is_ending(self) -> bool:
        """Whether the channel's end comes at once. Asterisk refuses what is asked of a channel that
        is being hung up in many ways, and tells the end a moment later. What else happens to the
        channel in that moment is passed over.
        """
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                while True:
                    await self.next_event(ENDING_SECONDS)
        except TimeoutError:
            return False
        except HungUp:
            return True
