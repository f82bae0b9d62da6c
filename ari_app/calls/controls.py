"""What the API orders, brought to the talk that it concerns: the API's hands on the line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from ari_app.ari import NotFound
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.talk import verbs
from ari_app.calls.talk.conversation import Leg
from ari_app.calls.talk.mailbox import Command
from ari_app.calls.talk.talk import Talk
from ari_app.queue import AgentState, StateRefused
from desk.api.control import (
    AgentView,
    PartyView,
    SupervisionMode,
    TalkView,
    TransferKind,
    WaitingView,
)
from desk.errors import NoSuchAgent, NoSuchLiveCall, NotPossibleNow


class Controls:
    """`desk.api.control.CallControl` of this process's line."""

    def __init__(self, line: Line, calls: Callable[[str], Call | None]) -> None:
        """`calls` finds a live call by its id."""
        self._line = line
        self._call = calls

    # -- seeing ----------------------------------------------------------------------------------

    def agents(self) -> Sequence[AgentView]:
        """All agents, by extension."""
        return [
            AgentView(
                extension=now.agent.extension,
                name=now.agent.name,
                team=now.agent.team,
                skills=tuple(sorted(now.agent.skills)),
                state=now.state.value,
                reason=now.reason,
                since=now.since,
                call_id=now.call_id or None,
            )
            for now in self._line.queue.standings()
        ]

    def queue(self) -> Sequence[WaitingView]:
        """All who wait, by position."""
        return [
            WaitingView(
                call_id=one.waiting.id,
                position=one.position,
                since=one.waiting.since,
                team=one.waiting.need.team,
                priority=one.waiting.priority,
                expected_wait=one.expected_wait,
            )
            for one in self._line.queue.waiting()
        ]

    def talk(self, call_id: str) -> TalkView | None:
        """The talk of a live call."""
        talk = self._line.talks.get(call_id)
        if talk is None:
            return None
        state = talk.state
        began = datetime.fromisoformat(talk.call.state["since"])
        caller = PartyView(kind="caller", extension="", since=began, held=state.held)
        consulted = state.consulted()
        return TalkView(
            call_id=call_id,
            parties=(caller, *(_party(leg, began) for leg in state.legs.values() if leg.up)),
            held=state.held,
            recording=state.recorded,
            transcript=talk.listening.transcript,
            consult=consulted.extension if consulted is not None else "",
        )

    # -- agents ----------------------------------------------------------------------------------

    async def set_agent_state(
        self, extension: str, state: Literal["ready", "wrap_up", "away"], reason: str, *, actor: str
    ) -> None:
        """Change an agent's state."""
        self._known(extension)
        try:
            self._line.queue.set_state(extension, AgentState(state), reason or actor)
        except StateRefused as error:
            raise NotPossibleNow(str(error), "Look at the agent again.") from error

    # -- talks -----------------------------------------------------------------------------------

    async def hold(self, call_id: str, *, actor: str) -> None:
        """Music for the caller."""
        await self._order(call_id, actor, verbs.hold)

    async def resume(self, call_id: str, *, actor: str) -> None:
        """The caller is back."""
        await self._order(call_id, actor, verbs.resume)

    async def transfer(self, call_id: str, to: str, kind: TransferKind, *, actor: str) -> None:
        """Hand the caller on."""
        verb = verbs.transfer_blind if kind == "blind" else verbs.transfer_attended
        await self._order(call_id, actor, partial(verb, to=to))

    async def complete_transfer(self, call_id: str, *, actor: str) -> None:
        """The caller talks to who was asked."""
        await self._order(call_id, actor, verbs.complete_transfer)

    async def cancel_transfer(self, call_id: str, *, actor: str) -> None:
        """The caller talks to the first agent again."""
        await self._order(call_id, actor, verbs.cancel_transfer)

    async def conference(self, call_id: str, to: str, *, actor: str) -> None:
        """One more in the talk."""
        await self._order(call_id, actor, partial(verbs.conference, to=to))

    async def drop(self, call_id: str, extension: str, *, actor: str) -> None:
        """One less in the talk."""
        await self._order(call_id, actor, partial(verbs.drop, extension=extension))

    async def hang_up(self, call_id: str, *, actor: str) -> None:
        """End the call, whatever its stage."""
        call = self._call(call_id)
        if call is None:
            raise NoSuchLiveCall(call_id)
        self._line.journal.note(call, "call.hung_up", by=actor)
        try:
            await call.channel.hangup()
        except NotFound:
            raise NoSuchLiveCall(call_id) from None

    async def pause_recording(self, call_id: str, *, actor: str) -> None:
        """Keep nothing for a while."""
        await self._order(call_id, actor, verbs.pause_recording)

    async def resume_recording(self, call_id: str, *, actor: str) -> None:
        """Keep what is said again."""
        await self._order(call_id, actor, verbs.resume_recording)

    async def supervise(
        self, call_id: str, supervisor: str, mode: SupervisionMode, *, actor: str
    ) -> None:
        """Ring a supervisor, or change the mode."""
        self._known(supervisor)
        await self._order(
            call_id, actor, partial(verbs.supervise, supervisor=supervisor, mode=mode)
        )

    async def stop_supervising(self, call_id: str, supervisor: str, *, actor: str) -> None:
        """Hang up on a supervisor."""
        await self._order(call_id, actor, partial(verbs.stop_supervising, supervisor=supervisor))

    async def _order(self, call_id: str, actor: str, do: Callable[[Talk], Awaitable[None]]) -> None:
        """Have the talk's own coroutine do it, in its turn; the API's deadline cancels the wait,
        and an order that has not begun then.
        """
        talk = self._line.talks.get(call_id)
        if talk is None:
            if self._call(call_id) is None:
                raise NoSuchLiveCall(call_id)
            raise NotPossibleNow("nobody talks with this caller", "Wait until an agent answers.")
        command = Command(do, actor)
        talk.order(command)
        try:
            await command.done
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if command.done.cancelled() and not (current and current.cancelling()):
                raise NoSuchLiveCall(call_id) from None  # the talk ended before its turn came
            raise

    def _known(self, extension: str) -> None:
        if not self._line.has_extension(extension):
            raise NoSuchAgent(extension)


def _party(leg: Leg, began: datetime) -> PartyView:
    since = datetime.fromisoformat(leg.since) if leg.since else began
    if leg.role != "supervisor":
        return PartyView(kind="agent", extension=leg.extension, since=since)
    return PartyView(
        kind="supervisor", extension=leg.extension, since=since, mode=leg.mode or "barge"
    )
