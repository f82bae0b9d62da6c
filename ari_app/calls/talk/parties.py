"""Who is in a talk, and how they come and go: the caller, agents' legs, a supervisor's ear."""

from typing import TYPE_CHECKING

import structlog

from ari_app.ari import AriError, Bridge, Channel, NotFound
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.talk import legs
from ari_app.calls.talk.conversation import Conversation, Leg
from ari_app.calls.talk.listening import Listening
from ari_app.calls.talk.mailbox import Mailbox
from ari_app.calls.talk.talk_records import talk_began, talk_ended
from desk.errors import NotPossibleNow
from desk.talks import NewTalk

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger()


class Parties:
    """The state of a talk and the steps that change it; `Talk` says when they are taken."""

    def __init__(self, call: Call, line: Line, box: Mailbox) -> None:
        self.call = call
        self.line = line
        self.box = box
        self.state = Conversation.restore(call.state["talk"])
        self.listening = Listening(call, line, self.state)
        self.actor = ""  # whose command is being done

    @property
    def bridge(self) -> Bridge:
        """Where caller and agents hear one another."""
        return self.line.ari.bridge(self.state.bridge)

    def channel(self, leg: Leg) -> Channel:
        """The leg's channel."""
        return self.line.ari.channel(leg.id)

    async def save(self) -> None:
        """Journal the state, so that the next process finds it."""
        self.call.state["talk"] = self.state.as_state()
        await self.line.journal.enter(self.call)

    def note(self, kind: str, **body: object) -> None:
        """A line in the call's timeline, with who ordered it where somebody did."""
        by = {"by": self.actor} if self.actor else {}
        self.line.journal.note(self.call, kind, **body, **by)

    async def members(self) -> "Sequence[str] | None":
        """Who is in the bridge; None where there is no bridge yet."""
        try:
            return (await self.bridge.get()).channels
        except NotFound:
            return None

    async def exists(self, channel_id: str) -> bool:
        """Whether Asterisk has this channel."""
        try:
            await self.line.ari.channels.get(channel_id)
        except NotFound:
            return False
        return True

    # -- the end ---------------------------------------------------------------------------------

    async def end(self, cause: str) -> None:
        """Take down what is left of the talk. The recordings' ends are not waited for."""
        for leg in list(self.state.legs.values()):
            await self.drop(leg, cause)
        for channel_id in list(self.state.taps):
            self.listening.end(channel_id)
        try:
            await self.bridge.destroy()
        except NotFound:
            pass
        except AriError as error:
            log.warning("bridge not removed", call=self.call.id, error=str(error))
        self.call.state.pop("talk", None)
        self.call.private = False

    def let_go(self) -> None:
        """Listen to nobody any more; all else stays as it is, for `end`."""
        for channel_id in list(self.state.taps):
            self.listening.end(channel_id)
        self.call.state["talk"] = self.state.as_state()

    # -- the caller ------------------------------------------------------------------------------

    async def admit_caller(self) -> None:
        """Put the caller in the bridge, without a limit: it would tear the talk apart."""
        await self.call.lease.suspend()
        await self.call.stop_music()
        try:
            # An agent's own number is nothing that a carrier should be told.
            await self.bridge.add_channel(self.call.channel, inhibit_connected_line_updates=True)
        except AriError:
            await self._music()
            raise
        self.state.held = False

    async def set_aside_caller(self) -> None:
        """Take the caller out of the bridge, to music."""
        await self.bridge.remove_channel(self.call.channel)
        self.state.held = True
        await self._music()

    async def _music(self) -> None:
        try:
            await self.call.channel.start_moh()
        except AriError as error:  # silence is bad, but nothing to fail for
            log.warning("no music for the caller", call=self.call.id, error=str(error))

    # -- legs ------------------------------------------------------------------------------------

    async def dial(self, leg: Leg) -> None:
        """Begin to ring a leg; it is part of the state, journaled, before Asterisk hears of it.

        Raises:
            NotPossibleNow: the agent is not free, or cannot be rung.
        """
        if self.state.of(leg.extension) is not None:
            raise NotPossibleNow(f"{leg.extension} is in this talk", "Name another extension.")
        if leg.role != "supervisor" and not self.line.queue.claim(leg.extension, self.call.id):
            raise NotPossibleNow(f"{leg.extension} is not free", "Name another extension.")
        self.state.legs[leg.id] = leg
        self.box.follow(leg.id)
        await self.save()
        try:
            await legs.dial(self.line, self.call, leg.extension, leg.id, armed=False)
        except AriError as error:
            self.missed(leg, "unreachable")
            await self.drop(leg, "unreachable")
            raise NotPossibleNow(f"{leg.extension} cannot be rung", str(error)) from error
        self.note("agent.rung", agent=leg.extension, role=leg.role)

    def missed(self, leg: Leg, why: str) -> None:
        """Nobody answered: the queue is told, so that it lets the telephone rest."""
        if leg.role != "supervisor":
            self.line.queue.declined(leg.extension, self.call.id, why)
            self.note("agent.missed", agent=leg.extension, reason=why)

    async def join(self, leg: Leg) -> None:
        """Let an answered leg talk with the caller: armed, tapped, in the bridge, in this order."""
        channel = self.channel(leg)
        await legs.arm(self.call, channel)
        await legs.settle(channel)
        await self.listening.begin(channel, f"agent:{leg.extension}")
        await self.bridge.add_channel(channel, inhibit_connected_line_updates=True)
        leg.role, leg.up, leg.mode = "agent", True, ""
        leg.since = self.line.now().isoformat()
        self.line.queue.busy(leg.extension, self.call.id)
        new = NewTalk(leg.id, self.call.id, leg.extension, self.line.now())
        self.line.journal.record(self.call, talk_began(new))

    async def drop(self, leg: Leg, cause: str = "dropped") -> None:
        """End a leg. The caller stays where he is."""
        self.box.unfollow(leg.id)
        await legs.let_go(self.channel(leg))
        await self.forget(leg, cause)

    async def forget(self, leg: Leg, cause: str) -> None:
        """A leg that has ended: the agent is free again, the ear is closed."""
        self.state.legs.pop(leg.id, None)
        self.box.unfollow(leg.id)
        self.listening.end(leg.id)
        await self.close_ear(leg)
        if leg.role == "agent" and leg.up:
            self.line.journal.record(self.call, talk_ended(leg.id, cause))
        if leg.role != "supervisor":
            self.line.queue.free(leg.extension, self.call.id)

    async def close_ear(self, leg: Leg) -> None:
        """Remove what lets a supervisor hear."""
        for remove in (
            self.line.ari.bridge(leg.bridge).destroy if leg.bridge else None,
            self.line.ari.channel(leg.snoop).hangup if leg.snoop else None,
        ):
            try:
                if remove is not None:
                    await remove()
            except NotFound:
                pass
            except AriError as error:
                log.warning("ear not removed", call=self.call.id, error=str(error))
        leg.bridge = leg.snoop = ""
