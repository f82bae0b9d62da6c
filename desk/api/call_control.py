"""What can be done to a call in progress. Each answer says what its talk is afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import Depends

from desk.access import Reach
from desk.api.access import Reader, reader
from desk.api.calls import within_reach
from desk.api.live_models import (
    AfterOut,
    Conference,
    Drop,
    StopSupervising,
    Supervise,
    TalkOut,
    Transfer,
)
from desk.api.problems import Problem, not_found
from desk.api.room import CONTROL_ERRORS, MISSING, CallId, Desk, room
from desk.api.state import ApiState
from desk.api.writing import Write, Writing
from desk.errors import NoSuchLiveCall

SECONDS = 10.0

router = room("call control")


def controlling(scope: str) -> Callable[..., Awaitable[Reader]]:
    """A dependency: the call is within the asker's reach. Who talks in a call has it as his own."""

    async def check(
        desk: Desk, who: Annotated[Reader, Depends(reader(scope))], call_id: CallId
    ) -> Reader:
        talk = desk.control.talk(call_id)
        talks = talk is not None and any(
            party.kind == "agent" and party.extension in who.principal.names
            for party in talk.parties
        )
        if who.reach is not Reach.OTHER and not talks:
            await within_reach(desk, who, call_id)
        return who

    return check


Controller = Annotated[Reader, Depends(controlling("calls:control"))]
Supervisor = Annotated[Reader, Depends(controlling("calls:supervise"))]


@router.get("/calls/{call_id}/talk", responses=MISSING)
async def get_talk(
    desk: Desk, who: Annotated[Reader, Depends(reader("calls:read"))], call_id: CallId
) -> TalkOut:
    """Who talks in a call now, and whether it is held, recorded and transcribed. Scope
    `calls:read`.
    """
    talk = desk.control.talk(call_id)
    if talk is not None:
        return TalkOut.of(talk)
    if call_id in desk.line.live_calls():
        raise not_found(
            f"talk in call {call_id!r} at present", "GET /api/v1/calls says which stage it is in."
        )
    raise NoSuchLiveCall(call_id)


@router.post("/calls/{call_id}/hold", responses=CONTROL_ERRORS)
async def hold(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """Let the caller hear music until resumed. Scope `calls:control`."""
    act = partial(desk.control.hold, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/resume", responses=CONTROL_ERRORS)
async def resume(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """Bring the caller back from hold. Scope `calls:control`."""
    act = partial(desk.control.resume, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/transfer", responses=CONTROL_ERRORS)
async def transfer(
    desk: Desk, who: Controller, write: Write, call_id: CallId, asked: Transfer
) -> AfterOut:
    """Hand the caller to another agent: at once (`blind`), or after a consultation (`attended`),
    which lasts until it is completed or cancelled. Scope `calls:control`.
    """
    act = partial(desk.control.transfer, call_id, asked.to, asked.kind, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/transfer/complete", responses=CONTROL_ERRORS)
async def complete_transfer(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """End a consultation: the caller talks to who was consulted. Scope `calls:control`."""
    act = partial(desk.control.complete_transfer, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/transfer/cancel", responses=CONTROL_ERRORS)
async def cancel_transfer(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """End a consultation: the caller talks to the first agent again. Scope `calls:control`."""
    act = partial(desk.control.cancel_transfer, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/conference", responses=CONTROL_ERRORS)
async def conference(
    desk: Desk, who: Controller, write: Write, call_id: CallId, asked: Conference
) -> AfterOut:
    """Call another agent into the talk. Scope `calls:control`."""
    act = partial(desk.control.conference, call_id, asked.to, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/drop", responses=CONTROL_ERRORS)
async def drop(desk: Desk, who: Controller, write: Write, call_id: CallId, asked: Drop) -> AfterOut:
    """Hang up on one agent; the others go on talking. Scope `calls:control`."""
    act = partial(desk.control.drop, call_id, asked.extension, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/hangup", responses=CONTROL_ERRORS)
async def hang_up(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """Hang up on the caller, in whatever stage the call is. Scope `calls:control`."""
    act = partial(desk.control.hang_up, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/recording/pause", responses=CONTROL_ERRORS)
async def pause_recording(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """Neither record nor transcribe until resumed, while a card number is told. Scope
    `calls:control`.
    """
    act = partial(desk.control.pause_recording, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/recording/resume", responses=CONTROL_ERRORS)
async def resume_recording(desk: Desk, who: Controller, write: Write, call_id: CallId) -> AfterOut:
    """Record and transcribe again; not possible for a caller who refused. Scope
    `calls:control`.
    """
    act = partial(desk.control.resume_recording, call_id, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/supervise", responses=CONTROL_ERRORS)
async def supervise(
    desk: Desk, who: Supervisor, write: Write, call_id: CallId, asked: Supervise
) -> AfterOut:
    """Ring a supervisor, who then listens, whispers to the agent or steps in; for one who is there
    already, change the mode. Scope `calls:supervise`.
    """
    act = partial(desk.control.supervise, call_id, asked.supervisor, asked.mode, actor=who.actor)
    return await _after(desk, write, call_id, act)


@router.post("/calls/{call_id}/supervise/stop", responses=CONTROL_ERRORS)
async def stop_supervising(
    desk: Desk, who: Supervisor, write: Write, call_id: CallId, asked: StopSupervising
) -> AfterOut:
    """Hang up on a supervisor. Scope `calls:supervise`."""
    act = partial(desk.control.stop_supervising, call_id, asked.supervisor, actor=who.actor)
    return await _after(desk, write, call_id, act)


async def in_time(act: Callable[[], Awaitable[None]]) -> None:
    """Wait until the line has done it.

    Raises:
        Problem: it took longer than ten seconds, and was cancelled.
    """
    try:
        async with asyncio.timeout(SECONDS):
            await act()
    except TimeoutError as error:
        raise Problem(
            504,
            "line-timeout",
            "No answer in time",
            f"The line did not do it within {SECONDS:g} s; it may still have happened.",
            "Look at the call or the agent before you try again; /readyz says how the line is.",
        ) from error


async def _after(
    desk: ApiState, write: Writing, call_id: str, act: Callable[[], Awaitable[None]]
) -> AfterOut:
    await write.act(partial(in_time, act))
    talk = desk.control.talk(call_id)
    return AfterOut(call_id=call_id, talk=TalkOut.of(talk) if talk is not None else None)
