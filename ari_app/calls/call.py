"""One caller's call: what is known of it, and how its coroutine hears what happens to it."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ari_app.ari import AriError, Channel, ChannelGone, Event, Events, NotFound
from ari_app.calls.lease import Lease
from ari_app.calls.talk.conversation import Recorded
from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import Choice
from desk.customers import Customer
from desk.recordings import NewRecording
from desk.region import Caller

ENDING_SECONDS = 0.5
BACK_SECONDS = 1.0  # within which the dialplan gives back a caller whose agent has left
BACK = "huisheng-back"  # the dialplan context that does
STASIS = "Stasis"  # the dialplan application that a channel in our application executes


class Stage(StrEnum):
    """Where a call is. The journal holds the last one entered; recovery re-enters it."""

    WELCOME = "welcome"  # who is it, from where; answer
    REPEAT = "repeat"  # the caller has a case: how it stands, or whether it is solved
    MENU = "menu"  # the IVR
    QUEUE = "queue"  # waits for an agent; agents' phones ring
    TALK = "talk"  # caller and agent in a bridge
    MESSAGE = "message"  # the caller tells the matter after the tone
    CONFIRM = "confirm"  # we ring a customer, who is asked whether a case is solved
    CALLBACK = "callback"  # we ring a customer back, who is then told who calls
    SURVEY = "survey"  # how was it
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
    channel_name: str = ""  # PJSIP/carrier-00000001: how the dialplan names the channel
    stage: Stage = Stage.WELCOME
    state: dict[str, Any] = field(default_factory=dict)  # what the next process would need
    caller: Caller | None = None
    customers: tuple[Customer, ...] = ()
    choice: Choice | None = None  # the last choice in the menu that says what the matter is
    message: NewRecording | None = None  # what the caller told after the tone
    ticket_id: int | None = None
    end_cause: str = "completed"
    journaled: bool = False  # the desk knows this call
    resumed: bool = False  # a former process began to serve it
    armed: bool = False  # an agent's leg has had the dialplan look after the caller
    private: bool = False  # neither words nor keys may be kept now
    returned: asyncio.Event = field(default_factory=asyncio.Event)  # back from the dialplan
    chores: list[asyncio.Task[None]] = field(default_factory=list)  # the wrap-up waits for them

    @property
    def served(self) -> bool:
        """Whether the caller got what the menu offered: a talk, an answer, a message."""
        return bool(self.state.get("served", False))

    @served.setter
    def served(self, served: bool) -> None:
        self.state["served"] = served

    @property
    def talked(self) -> bool:
        """Whether an agent talked with the caller."""
        return bool(self.state.get("talked", False))

    @property
    def recorded(self) -> Recorded:
        """Whether a talk may be recorded, once the caller was told: see `consent`."""
        recorded: Recorded = self.state.get("recorded", "off")
        return recorded

    @recorded.setter
    def recorded(self, recorded: Recorded) -> None:
        self.state["recorded"] = recorded

    @property
    def pieces(self) -> list[dict[str, Any]]:
        """The finished recordings of talks that are not in our own store yet."""
        pieces: list[dict[str, Any]] = self.state.setdefault("recordings", [])
        return pieces

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

    async def comes_back(self) -> None:
        """Wait for a caller whom the dialplan takes out of a talk that his agent has left, and
        hear his channel again.

        Raises:
            HungUp: the caller is gone.
        """
        try:
            async with asyncio.timeout(BACK_SECONDS):
                await self.returned.wait()
        except TimeoutError:
            try:
                there = await self.channel.get()
            except NotFound:
                raise HungUp(self.id) from None
            if there.dialplan.app_name != STASIS:
                raise HungUp(self.id) from None
            self.hear_again()  # he never left, or we were not told
        self.returned.clear()

    async def is_with_dialplan(self) -> bool:
        """Whether the caller left the application for `huisheng-back`, and not for good."""
        if not self.armed:
            return False
        try:
            return (await self.channel.get()).dialplan.context == BACK
        except NotFound:
            return False

    def hear_again(self) -> None:
        """Take in the events of the channel from now on; those before are forgotten."""
        self.events.close()
        self.events = self.channel.listen()
        self.events.open()

    async def start_music(self) -> None:
        """The caller hears music until something is played, or he talks."""
        await self.channel.start_moh()

    async def stop_music(self) -> None:
        """No more music; none may be playing."""
        with contextlib.suppress(AriError):
            await self.channel.stop_moh()
